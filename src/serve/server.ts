/**
 * An OpenAI-compatible server for one model, on this machine alone: GET /v1/models, POST
 * /v1/chat/completions, POST /v1/completions. The device answers one request at a time; others wait
 * in a line of limited length. Knows nothing of the command line.
 */

import type { Answer } from "../chat/answer.ts";
import type { LoadedModel } from "../chat/loaded_model.ts";
import { promptTooLong } from "../models/errors.ts";
import { shuttingDown, toApiError, unknownModel, unknownUrl, wrongMethod } from "./api_error.ts";
import { answerStream, answerWhole, type Job } from "./completions.ts";
import { checkSender, corsHeaders, readJsonBody } from "./guard.ts";
import { HttpListener } from "./http_listener.ts";
import { type CompletionRequest, readChatRequest, readTextRequest } from "./requests.ts";
import { WaitingLine } from "./waiting_line.ts";

/** How to serve. */
export interface ServeOptions {
  /** What clients call the model. */
  readonly modelName: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Requests that may wait beside the one that is answered. */
  readonly maxWaiting: number;
  /** Origins of pages that may ask; none by default. */
  readonly allowedOrigins?: readonly string[];
  /** Receives a line a request, without what was said. */
  readonly log?: (line: string) => void;
}

/** A request's surroundings. */
interface Exchange {
  readonly pathname: string;
  /** Aborts once the client has gone. */
  readonly gone: AbortSignal;
  readonly log: (what: string) => void;
}

/** A server that listens until it is shut down. */
export class ModelServer {
  readonly #loaded: LoadedModel;
  readonly #options: ServeOptions;
  readonly #line: WaitingLine;
  readonly #stop = new AbortController();
  #http: HttpListener | undefined;
  readonly #created = Math.floor(Date.now() / 1000);
  readonly #running = new Set<Promise<void>>();

  private constructor(loaded: LoadedModel, options: ServeOptions) {
    this.#loaded = loaded;
    this.#options = options;
    this.#line = new WaitingLine(options.maxWaiting);
  }

  /**
   * Begins to listen on 127.0.0.1.
   *
   * @throws Error EADDRINUSE, EACCES.
   */
  static async listen(loaded: LoadedModel, options: ServeOptions): Promise<ModelServer> {
    const server = new ModelServer(loaded, options);
    server.#http = await HttpListener.listen(
      options.port,
      (request, gone) => server.#respond(request, gone),
    );
    return server;
  }

  /** The address to give to clients as their base URL. */
  get url(): string {
    return `http://127.0.0.1:${this.#http!.port}/v1`;
  }

  /** Completions that run or wait now. */
  get taken(): number {
    return this.#running.size;
  }

  /** Refuses what comes and ends what runs or waits with an error; returns once all is over. */
  async shutdown(): Promise<void> {
    this.#stop.abort(shuttingDown());
    await Promise.allSettled(this.#running);
    await this.#http!.close();
  }

  async #respond(request: Request, gone: AbortSignal): Promise<Response> {
    const began = performance.now();
    const { allowedOrigins = [] } = this.#options;
    let pathname = "";
    const log = (what: string) => {
      const seconds = ((performance.now() - began) / 1000).toFixed(2);
      this.#options.log?.(`${request.method} ${pathname} ${what} ${seconds} s`);
    };
    let response: Response;
    try {
      checkSender(request, allowedOrigins);
      pathname = new URL(request.url).pathname;
      response = await this.#route(request, { pathname, gone, log });
    } catch (error) {
      if (!gone.aborted) log(String(toApiError(error).status));
      response = this.#failed(error);
    }
    for (const [name, value] of Object.entries(corsHeaders(request, allowedOrigins))) {
      response.headers.set(name, value);
    }
    return response;
  }

  async #route(request: Request, around: Exchange): Promise<Response> {
    const { method } = request;
    const { pathname: path } = around;
    if (method === "OPTIONS") return new Response(null, { status: 204 });
    const isModel = path.startsWith("/v1/models/");
    const read = path === "/v1/chat/completions"
      ? readChatRequest
      : path === "/v1/completions"
      ? readTextRequest
      : undefined;
    if (read !== undefined) {
      if (method !== "POST") throw wrongMethod(method, path, "POST");
      return await this.#complete(read(await readJsonBody(request)), around);
    }
    if (path !== "/v1/models" && !isModel) throw unknownUrl(method, path);
    if (method !== "GET") throw wrongMethod(method, path, "GET");
    if (!isModel) return Response.json({ object: "list", data: [this.#modelEntry()] });
    this.#checkModel(new URLSearchParams(`id=${path.slice("/v1/models/".length)}`).get("id")!);
    return Response.json(this.#modelEntry());
  }

  async #complete(request: CompletionRequest, around: Exchange): Promise<Response> {
    this.#checkModel(request.model);
    this.#stop.signal.throwIfAborted();
    const job = this.#job(request, around);
    if (!request.stream) return Response.json(await answerWhole(job));
    const headers = { "content-type": "text/event-stream", "cache-control": "no-cache" };
    return new Response(answerStream(job), { headers });
  }

  /** Everything that can be refused is, before a place in the line is taken. */
  #job(request: CompletionRequest, { gone, log }: Exchange): Job {
    const loaded = this.#loaded;
    const { prompt } = request;
    const isIds = typeof prompt !== "string" && typeof prompt[0] === "number";
    const promptIds = isIds
      ? prompt as readonly number[]
      : loaded.encode(prompt as Parameters<LoadedModel["encode"]>[0]);
    const limit = loaded.contextLength;
    if (promptIds.length >= limit) throw promptTooLong(promptIds.length, limit);
    const place = this.#line.enter();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.#running.add(ended);
    const onEnd = (answer: Answer | undefined, error?: unknown) => {
      this.#running.delete(ended);
      resolve();
      if (answer) log(`200 ${answer.promptTokens}+${answer.ids.length} tokens`);
      else if (gone.aborted) log("client gone");
      else if (request.stream) log(`failed: ${toApiError(error).message}`);
    };
    const signal = AbortSignal.any([this.#stop.signal, gone]);
    return { loaded, request, promptIds, place, signal, onEnd };
  }

  #modelEntry() {
    const { modelName: id } = this.#options;
    return { id, object: "model", created: this.#created, owned_by: "oddsmith" };
  }

  #checkModel(name: string): void {
    const { modelName } = this.#options;
    if (name !== modelName) throw unknownModel(name, modelName);
  }

  #failed(error: unknown): Response {
    const told = toApiError(error);
    return Response.json(told, { status: told.status, headers: told.headers });
  }
}
