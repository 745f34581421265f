/**
 * Requests to the hub: the token, redirects, silence, and what each refusal means. What is asked
 * for is said in listing.ts and download.ts.
 *
 * Invariant: the token goes to the endpoint's own origin alone. Redirects are followed here and not
 * by `fetch`, so that each step of one is checked.
 */

import { OddsmithError } from "../base/error.ts";
import {
  badAnswer,
  fileNotFound,
  gated,
  netDenied,
  repoNotFound,
  revisionNotFound,
  unauthorized,
  unreachable,
} from "./errors.ts";
import type { HubReference } from "./reference.ts";
import { Transient, withRetries } from "./retry.ts";
import type { HubSettings } from "./settings.ts";

const MOST_REDIRECTS = 10;
/** To a request for the rest of a file: there is no such rest; the caller deals with it. */
const RANGE_NOT_SATISFIABLE = 416;
const MAY_PASS = new Set([408, 429, 500, 502, 503, 504]);

/** What a request is about, for messages. */
export interface Subject {
  /** The repository. */
  readonly reference: HubReference;
  /** The file of it. */
  readonly path?: string;
}

/** An answer whose body is still to be read. */
export interface OpenAnswer {
  /** 200, 206 or 416. */
  readonly response: Response;
  /** The content's checksum, where the endpoint or a host it redirected to told it. */
  readonly etag: string | undefined;
  /** The body, piece by piece. @throws {Transient} Where it is cut off or falls silent. */
  chunks(): AsyncGenerator<Uint8Array>;
}

/** Asks the hub, on behalf of one run of something that can be interrupted. */
export class HubClient {
  /** Where the hub is, and the token. */
  readonly settings: HubSettings;
  /** Ends every request with its reason. */
  readonly signal: AbortSignal;

  constructor(settings: HubSettings, signal: AbortSignal = new AbortController().signal) {
    this.settings = settings;
    this.signal = signal;
  }

  /**
   * One attempt at a GET, redirects followed.
   *
   * @throws {Transient} Where another attempt may succeed; {OddsmithError} HubError where not.
   */
  async open(url: string, subject: Subject, headers: HeadersInit = {}): Promise<OpenAnswer> {
    const silence = new AbortController();
    const signal = AbortSignal.any([this.signal, silence.signal]);
    let etag: string | undefined;
    let at = new URL(url);
    for (let step = 0; step <= MOST_REDIRECTS; step++) {
      const response = await this.#timed(at, silence, () => this.#send(at, headers, signal));
      etag ??= response.headers.get("x-linked-etag") ?? undefined;
      const target = response.headers.get("location");
      if (response.status >= 300 && response.status < 400 && target !== null) {
        await response.body?.cancel();
        at = redirectTarget(at, target);
        continue;
      }
      if (!response.ok && response.status !== RANGE_NOT_SATISFIABLE) {
        throw await this.#refusal(response, at, subject);
      }
      return { response, etag, chunks: () => this.#chunks(response, at, silence) };
    }
    throw badAnswer(url, `more than ${MOST_REDIRECTS} redirects`);
  }

  /** A GET that is tried again where that may help; the body has been read whole. */
  async get(url: string, subject: Subject, attempts = this.settings.attempts): Promise<Response> {
    return await this.retry(async () => {
      const { response, chunks } = await this.open(url, subject, { accept: "application/json" });
      const parts = await Array.fromAsync(chunks());
      return new Response(new Blob(parts as BlobPart[]), { headers: response.headers });
    }, { attempts });
  }

  /** Repeats an attempt while it fails in a way that may pass. */
  async retry<T>(
    attempt: () => Promise<T>,
    { attempts = this.settings.attempts, progress }: {
      attempts?: number;
      progress?: () => number;
    } = {},
  ): Promise<T> {
    const policy = { attempts, retryDelayMs: this.settings.retryDelayMs, signal: this.signal };
    const giveUp = (last: Transient, count: number) =>
      unreachable(last.host, count, last.message, last.cause);
    return await withRetries(policy, attempt, giveUp, progress);
  }

  async #send(url: URL, headers: HeadersInit, signal: AbortSignal): Promise<Response> {
    const all = new Headers(headers);
    // The sizes and ranges that are compared are those of the file itself.
    all.set("accept-encoding", "identity");
    all.set("user-agent", "oddsmith");
    const { token, endpoint } = this.settings;
    if (token !== undefined && url.origin === new URL(endpoint).origin) {
      all.set("authorization", `Bearer ${token}`);
    }
    return await fetch(url, { headers: all, redirect: "manual", signal });
  }

  async *#chunks(
    response: Response,
    url: URL,
    silence: AbortController,
  ): AsyncGenerator<Uint8Array> {
    if (response.body === null) return;
    const reader = response.body.getReader();
    try {
      for (;;) {
        const { done, value } = await this.#timed(url, silence, () => reader.read());
        if (done) return;
        yield value;
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
  }

  /** Awaits a piece of an answer; what goes wrong on the network becomes a `Transient`. */
  async #timed<T>(url: URL, silence: AbortController, work: () => Promise<T>): Promise<T> {
    const { timeoutMs } = this.settings;
    const timer = setTimeout(() => silence.abort(), timeoutMs);
    try {
      return await work();
    } catch (error) {
      this.signal.throwIfAborted();
      if (error instanceof OddsmithError) throw error;
      if (error instanceof Deno.errors.NotCapable) throw netDenied(url.host, error);
      const reason = silence.signal.aborted
        ? `silent for ${timeoutMs / 1000} s`
        : withoutUrls(error instanceof Error ? error.message : String(error));
      throw new Transient(url.host, reason, 0, error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #refusal(response: Response, url: URL, { reference, path }: Subject): Promise<Error> {
    const { status, headers } = response;
    const code = headers.get("x-error-code") ?? "";
    const isBadToken = /invalid credentials/i.test(headers.get("x-error-message") ?? "");
    await response.body?.cancel();
    if (MAY_PASS.has(status)) {
      return new Transient(url.host, `status ${status}`, retryAfter(headers));
    }
    const { endpoint, token } = this.settings;
    const hasToken = token !== undefined;
    // A storage host's refusal is about a signed address that has expired, not about the token.
    if (url.origin !== new URL(endpoint).origin) return new Transient(url.host, `status ${status}`);
    if (code === "GatedRepo") return gated(reference, pageOf(endpoint, reference), hasToken);
    if (code === "RevisionNotFound") {
      return revisionNotFound(reference, await this.#revisions(reference));
    }
    if (code === "EntryNotFound") return fileNotFound(reference, path ?? "");
    // The hub answers 401 for a repository that there is not, as for one that is hidden.
    const isHidden = status === 401 && !isBadToken;
    if (code === "RepoNotFound" || isHidden || (status === 404 && path === undefined)) {
      return repoNotFound(reference, await this.#neighbours(reference), hasToken);
    }
    if (status === 401 || status === 403) return unauthorized(reference, status, hasToken);
    if (status === 404) return fileNotFound(reference, path ?? "");
    return badAnswer(url, `status ${status}`);
  }

  /** Branches and tags, for a hint; none where the hub does not tell. */
  async #revisions(reference: HubReference): Promise<string[]> {
    const refs = await this.#hint(`${reference.type}s/${reference.id}/refs`);
    const { branches, tags } = (refs ?? {}) as Record<string, unknown>;
    return [...namesOf(branches, "name"), ...namesOf(tags, "name")];
  }

  /** Repositories of the same owner, for a hint. */
  async #neighbours(reference: HubReference): Promise<string[]> {
    const owner = encodeURIComponent(reference.id.split("/")[0]!);
    return namesOf(await this.#hint(`${reference.type}s?author=${owner}&limit=50`), "id");
  }

  async #hint(path: string): Promise<unknown> {
    try {
      const url = new URL(`${this.settings.endpoint}/api/${path}`);
      const silence = AbortSignal.any([this.signal, AbortSignal.timeout(this.settings.timeoutMs)]);
      const response = await this.#send(url, { accept: "application/json" }, silence);
      if (response.ok) return await response.json();
      await response.body?.cancel();
    } catch {
      // Then the error comes without that part of its hint.
    }
    return undefined;
  }
}

function redirectTarget(from: URL, target: string): URL {
  const url = URL.parse(target, from);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw badAnswer(from, "it redirects to no http(s) address");
  }
  if (from.protocol === "https:" && url.protocol === "http:") {
    throw badAnswer(from, "it redirects from https to http");
  }
  return url;
}

/** Seconds to wait, as servers write it; dates are left aside. */
function retryAfter(headers: Headers): number {
  const seconds = Number(headers.get("retry-after"));
  return seconds > 0 ? seconds * 1000 : 0;
}

function pageOf(endpoint: string, { type, id }: HubReference): string {
  return `${endpoint}/${type === "dataset" ? "datasets/" : ""}${id}`;
}

/** Messages of `fetch` quote addresses, which may be signed. */
function withoutUrls(message: string): string {
  return message.replace(/\(?https?:\/\/[^\s)]+\)?/g, "").replace(/\s+/g, " ").trim();
}

function namesOf(list: unknown, field: string): string[] {
  if (!Array.isArray(list)) return [];
  return list.map((entry) => entry?.[field]).filter((name) => typeof name === "string");
}
