/**
 * A hub on the loopback interface: the parts of its interface that are used, a second port that
 * files come from, as from a storage host, and faults to order. Speaks HTTP/1.1 by itself, because
 * a server that keeps the rules cannot break off in the middle of an answer.
 */

import { createHash } from "node:crypto";

/** What goes wrong with answers that carry a file, one after another. */
export type Fault =
  | { readonly kind: "cut"; readonly after: number }
  | { readonly kind: "truncate"; readonly after: number }
  | { readonly kind: "corrupt" }
  | { readonly kind: "ignoreRange" }
  | { readonly kind: "status"; readonly status: number; readonly headers?: Record<string, string> }
  | { readonly kind: "silent" };

/** A repository. */
export interface FakeRepo {
  readonly type: "model" | "dataset";
  readonly id: string;
  readonly commit: string;
  /** By path; those in `lfs` are told by their SHA-256 and come from the second port. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly lfs?: readonly string[];
  readonly gated?: boolean;
  readonly branches?: readonly string[];
  /** In place of the true checksum, by path. */
  readonly claims?: Readonly<Record<string, string>>;
}

/** A request, as it came. */
export interface SeenRequest {
  readonly host: "hub" | "storage";
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array;
  readonly fault?: Fault | undefined;
}

/** The checksum by which the hub knows a content. */
export function etagOf(content: Uint8Array, isLfs: boolean): string {
  if (isLfs) return createHash("sha256").update(content).digest("hex");
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

/** The hub; `await using` stops it. */
export class FakeHub implements AsyncDisposable {
  readonly repos: FakeRepo[] = [];
  /** Each answer that carries bytes of the file takes the next one. */
  readonly faults: Map<string, Fault[]> = new Map();
  /** The same, for the API's answers. */
  readonly apiFaults: Fault[] = [];
  readonly seen: SeenRequest[] = [];
  /** The token that gated repositories ask for. */
  token = "hf_secret";
  readonly #hub = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #storage = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Promise<void>>();
  readonly #loops: Promise<void>[];
  #stopped = false;

  constructor() {
    this.#loops = [this.#serve(this.#hub, "hub"), this.#serve(this.#storage, "storage")];
  }

  /** What HF_ENDPOINT is set to. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.#hub.addr.port}`;
  }

  /** Requests for a file's content, from either port. */
  fileRequests(path: string): SeenRequest[] {
    return this.seen.filter((one) => one.path.endsWith(`/${path}`) && !one.path.includes("/api/"));
  }

  /** Stops answering; what is being answered ends first. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#hub.close();
    this.#storage.close();
    await Promise.all([...this.#loops, ...this.#connections]);
  }

  async #serve(listener: Deno.TcpListener, host: SeenRequest["host"]): Promise<void> {
    for await (const connection of listener) {
      const done = this.#talk(connection, host).catch(() => {}).finally(() => {
        connection.close();
        this.#connections.delete(done);
      });
      this.#connections.add(done);
    }
  }

  /** One request a connection, so that nothing of it outlives a test. */
  async #talk(connection: Deno.TcpConn, host: SeenRequest["host"]): Promise<void> {
    const text = await readHead(connection);
    if (text === "") return;
    const [start = "", ...lines] = text.split("\r\n");
    const headers = new Headers(
      lines.filter((line) => line.includes(":")).map((line) => {
        const at = line.indexOf(":");
        return [line.slice(0, at), line.slice(at + 1).trim()] as [string, string];
      }),
    );
    const url = new URL(start.split(" ")[1]!, "http://localhost");
    const path = decodeURIComponent(url.pathname);
    const range = headers.get("range") ?? undefined;
    const authorization = headers.get("authorization") ?? undefined;
    this.seen.push({ host, path, range, authorization });
    const answer = this.#answer(host, path, range, authorization);
    await this.#write(connection, answer, start.startsWith("HEAD "));
  }

  #answer(
    host: SeenRequest["host"],
    path: string,
    range: string | undefined,
    authorization: string | undefined,
  ): Answer {
    if (host === "hub" && path.startsWith("/api/")) return this.#api(path, authorization);
    const match = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const repo = match && this.#repo(match[1] ? "dataset" : "model", match[2]!);
    if (!repo) return refusal(404, "RepoNotFound");
    if (host === "hub" && this.#isClosed(repo, authorization)) return refusal(403, "GatedRepo");
    const [, , , commit, file = ""] = match!;
    if (commit !== repo.commit && !branchesOf(repo).includes(commit!)) {
      return refusal(404, "RevisionNotFound");
    }
    const content = repo.files[file];
    if (content === undefined) return refusal(404, "EntryNotFound");
    const isLfs = repo.lfs?.includes(file) ?? false;
    const told = { "x-repo-commit": repo.commit, etag: `"${etagOf(content, isLfs)}"` };
    if (isLfs && host === "hub") {
      const location = `http://127.0.0.1:${this.#storage.addr.port}${path}?signature=s3cret`;
      const etag = repo.claims?.[file] ?? etagOf(content, true);
      const linked = { "x-linked-etag": `"${etag}"`, "x-linked-size": `${content.length}` };
      return { status: 302, headers: { ...told, location, ...linked } };
    }
    const answer = this.#content(content, range, this.faults.get(file)?.shift());
    return { ...answer, headers: { ...told, ...answer.headers } };
  }

  #content(content: Uint8Array, range: string | undefined, fault: Fault | undefined): Answer {
    if (fault?.kind === "status") return { status: fault.status, headers: fault.headers ?? {} };
    const from = fault?.kind === "ignoreRange" ? 0 : Number(/^bytes=(\d+)-/.exec(range ?? "")?.[1]);
    if (!(from > 0)) return { status: 200, body: content, fault };
    if (from >= content.length) return { status: 416 };
    const headers = { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` };
    return { status: 206, headers, body: content.subarray(from), fault };
  }

  #api(path: string, authorization: string | undefined): Answer {
    const fault = this.apiFaults.shift();
    if (fault?.kind === "status") return { status: fault.status, headers: fault.headers ?? {} };
    const list = /^\/api\/(model|dataset)s$/.exec(path);
    if (list) return json(this.repos.filter(({ type }) => type === list[1]));
    const match = /^\/api\/(model|dataset)s\/([^/]+\/[^/]+)\/(revision|tree|refs)\/?(.*)$/.exec(
      path,
    );
    const repo = match && this.#repo(match[1]!, match[2]!);
    if (!repo) return refusal(401, "", { "x-error-message": "Invalid username or password." });
    const [, , , what, revision = ""] = match!;
    const branches = branchesOf(repo);
    if (what === "refs") return json({ branches: branches.map((name) => ({ name })), tags: [] });
    if (this.#isClosed(repo, authorization)) return refusal(403, "GatedRepo");
    if (!branches.includes(revision) && revision !== repo.commit) {
      return refusal(404, "RevisionNotFound");
    }
    if (what === "revision") return json({ _id: "1", id: repo.id, sha: repo.commit });
    return json(treeOf(repo));
  }

  #isClosed({ gated }: FakeRepo, authorization: string | undefined): boolean {
    return gated === true && authorization !== `Bearer ${this.token}`;
  }

  #repo(type: string, id: string): FakeRepo | undefined {
    return this.repos.find((repo) => repo.type === type && repo.id === id);
  }

  async #write(
    connection: Deno.TcpConn,
    { status, headers, body, fault }: Answer,
    isHead: boolean,
  ): Promise<void> {
    let bytes = body ?? new Uint8Array();
    if (fault?.kind === "truncate") bytes = bytes.subarray(0, fault.after);
    const head = [`HTTP/1.1 ${status} X`, `content-length: ${bytes.length}`, "connection: close"];
    for (const [name, value] of Object.entries(headers ?? {})) head.push(`${name}: ${value}`);
    if (fault?.kind === "silent") return await untilClosed(connection);
    if (fault?.kind === "cut") bytes = bytes.subarray(0, fault.after);
    if (fault?.kind === "corrupt") bytes = bytes.map((byte, at) => at === 3 ? byte ^ 1 : byte);
    await writeAll(connection, new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n`));
    if (!isHead) await writeAll(connection, bytes);
  }
}

function branchesOf({ branches = [] }: FakeRepo): string[] {
  return ["main", ...branches];
}

function treeOf(repo: FakeRepo): object[] {
  const folders = new Set(Object.keys(repo.files).flatMap((path) => path.split("/").slice(0, -1)));
  const files = Object.entries(repo.files).map(([path, content]) => {
    const isLfs = repo.lfs?.includes(path) ?? false;
    const oid = repo.claims?.[path] ?? etagOf(content, isLfs);
    const size = content.length;
    return isLfs
      ? { type: "file", path, size, oid: "0".repeat(40), lfs: { oid, size, pointerSize: 130 } }
      : { type: "file", path, size, oid };
  });
  return [
    ...[...folders].map((path) => ({ type: "directory", path, size: 0, oid: "d".repeat(40) })),
    ...files,
  ];
}

function json(value: unknown): Answer {
  const body = new TextEncoder().encode(JSON.stringify(value));
  return { status: 200, headers: { "content-type": "application/json" }, body };
}

function refusal(status: number, code: string, headers: Record<string, string> = {}): Answer {
  return { status, headers: { ...(code ? { "x-error-code": code } : {}), ...headers } };
}

async function readHead(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(1 << 14);
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const count = await connection.read(buffer);
    if (count === null) return "";
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return text;
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function untilClosed(connection: Deno.TcpConn): Promise<void> {
  while (await connection.read(new Uint8Array(1024)) !== null);
}
