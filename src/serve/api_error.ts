/**
 * What goes wrong between a client and the server, as OpenAI's API says it: a status, and
 * {"error": {message, type, param, code}}. The errors of this layer are made here.
 */

import { OddsmithError } from "../base/error.ts";

/** An error with the status it earns. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: string;
  /** The request's field that is at fault. */
  readonly param: string | null;
  readonly code: string | null;
  readonly headers: Readonly<Record<string, string>>;

  /** Makes an error; those of this layer are below. */
  constructor(
    status: number,
    message: string,
    { type = "invalid_request_error", param = null, code = null, headers = {} }: {
      type?: string;
      param?: string | null;
      code?: string | null;
      headers?: Record<string, string>;
    } = {},
  ) {
    super(message);
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
    this.headers = headers;
  }

  /** The body. */
  toJSON(): { error: Record<"message" | "type" | "param" | "code", string | null> } {
    const { message, type, param, code } = this;
    return { error: { message, type, param, code } };
  }
}

/** A field that is missing, unknown, or not what it may be. */
export function badField(
  message: string,
  param: string | null,
  code: string | null = null,
): ApiError {
  return new ApiError(400, message, { param, code });
}

/** A body that is not JSON. */
export function badJson(cause: unknown): ApiError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ApiError(400, `The body is not JSON: ${reason}`);
}

/** A body of another type. */
export function notJson(type: string | null): ApiError {
  const received = type === null ? "none" : `"${type}"`;
  return new ApiError(415, `The content type must be application/json; received ${received}`);
}

/** A body beyond the limit. */
export function bodyTooLarge(limitBytes: number): ApiError {
  return new ApiError(413, `The body is larger than ${limitBytes} bytes`, {
    code: "request_too_large",
    headers: { connection: "close" },
  });
}

/** A body that does not come. */
export function bodyTooSlow(): ApiError {
  return new ApiError(408, "The body did not come in time", { headers: { connection: "close" } });
}

/** A path that is not served. */
export function unknownUrl(method: string, path: string): ApiError {
  return new ApiError(404, `Unknown request URL: ${method} ${path}`, { code: "unknown_url" });
}

/** A path that is served otherwise. */
export function wrongMethod(method: string, path: string, allowed: string): ApiError {
  return new ApiError(405, `Not allowed: ${method} ${path}; use ${allowed}`, {
    code: "method_not_supported",
    headers: { allow: allowed },
  });
}

/** A model that is not the one that is served. */
export function unknownModel(name: string, served: string): ApiError {
  return new ApiError(404, `The model "${name}" does not exist here; there is "${served}"`, {
    param: "model",
    code: "model_not_found",
  });
}

/** A request that reached this machine under another name: what a rebound DNS name looks like. */
export function foreignHost(host: string | null): ApiError {
  return new ApiError(403, `Refused for the host "${host ?? ""}": only this machine is served`, {
    code: "host_not_allowed",
  });
}

/** A request from a page in a browser. */
export function foreignOrigin(origin: string): ApiError {
  return new ApiError(403, `Refused for the origin "${origin}": start with --allow-origin`, {
    code: "origin_not_allowed",
  });
}

/** More requests are waiting than may wait. */
export function overloaded(limit: number): ApiError {
  return new ApiError(503, `Overloaded: ${limit} requests are waiting already; try again later`, {
    type: "server_error",
    code: "overloaded",
    headers: { "retry-after": "1" },
  });
}

/** The server is on its way out. */
export function shuttingDown(): ApiError {
  return new ApiError(503, "The server is shutting down; the answer is not complete", {
    type: "server_error",
    code: "shutting_down",
    headers: { connection: "close" },
  });
}

/** Codes of our errors that are the request's fault. */
const REQUEST_CODES = ["EMPTY_PROMPT", "TOKEN_RANGE"];

/** What a client is told of any error. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof OddsmithError) {
    const { kind, code, message } = error;
    if (code === "PROMPT_TOO_LONG") return badField(message, null, "context_length_exceeded");
    if (kind === "TextError" || REQUEST_CODES.includes(code)) return badField(message, null, code);
    return new ApiError(500, message, { type: "server_error", code });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(500, message, { type: "server_error" });
}
