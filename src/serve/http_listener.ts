/**
 * HTTP on the loopback interface, as Request and Response. Built on node:http, because Deno.serve
 * (2.9) does not notice every client that goes before its answer: some sizes of a request's head
 * hide it.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Readable } from "node:stream";

/**
 * Answers a request.
 *
 * @param gone Aborts once the client has gone before the end of its answer.
 */
export type HttpHandler = (request: Request, gone: AbortSignal) => Promise<Response>;

const FAREWELL_MS = 1000;

/** A listener until it is closed. */
export class HttpListener {
  readonly port: number;
  readonly #server: Server;
  readonly #exchanges: ReadonlySet<Promise<void>>;

  private constructor(server: Server, port: number, exchanges: ReadonlySet<Promise<void>>) {
    this.#server = server;
    this.port = port;
    this.#exchanges = exchanges;
  }

  /**
   * Begins to listen on 127.0.0.1.
   *
   * @param port 0: any that is free.
   * @param handle Never rejects.
   * @throws Error EADDRINUSE, EACCES.
   */
  static async listen(port: number, handle: HttpHandler): Promise<HttpListener> {
    const exchanges = new Set<Promise<void>>();
    const server = createServer((incoming, outgoing) => {
      const one = exchange(incoming, outgoing, handle).catch(() => void outgoing.destroy())
        .finally(() => exchanges.delete(one));
      exchanges.add(one);
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve());
    await promise;
    return new HttpListener(server, (server.address() as { port: number }).port, exchanges);
  }

  /** Stops listening, lets answers under way reach clients that read them, ends all connections. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, FAREWELL_MS);
    await Promise.race([Promise.allSettled(this.#exchanges), late.promise]);
    clearTimeout(timer);
    this.#server.closeAllConnections();
    await promise;
  }
}

async function exchange(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handle: HttpHandler,
): Promise<void> {
  const gone = new AbortController();
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) gone.abort(new Error("the client has gone"));
  });
  outgoing.on("error", () => gone.abort(new Error("the client has gone")));
  const response = await handle(toRequest(incoming), gone.signal);
  if (gone.signal.aborted) return;
  outgoing.writeHead(response.status, [...response.headers].flat());
  const reader = response.body?.getReader();
  if (reader) {
    gone.signal.addEventListener("abort", () => reader.cancel().catch(() => {}));
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      outgoing.write(part.value);
    }
  }
  if (!gone.signal.aborted) await new Promise<void>((resolve) => outgoing.end(resolve));
}

function toRequest(incoming: IncomingMessage): Request {
  const { method = "GET", url = "/", rawHeaders } = incoming;
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  }
  const hasBody = method !== "GET" && method !== "HEAD";
  const body = hasBody ? Readable.toWeb(incoming) as unknown as ReadableStream : undefined;
  // The path alone: the Host header is for the guard to judge.
  const { pathname } = new URL(url.replace(/^\/*/, "/"), "http://127.0.0.1");
  return new Request(new URL(pathname, "http://127.0.0.1"), { method, headers, body });
}
