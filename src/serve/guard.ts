/**
 * Who may ask, and how much: requests by this machine's own names, from no browser page unless its
 * origin is allowed, with a JSON body of limited size. A page elsewhere can neither send (a foreign
 * Origin), nor pass for a local one by a DNS name of its own (a foreign Host).
 */

import {
  badJson,
  bodyTooLarge,
  bodyTooSlow,
  foreignHost,
  foreignOrigin,
  notJson,
} from "./api_error.ts";

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;
/** The longest body that is read. */
export const BODY_LIMIT_BYTES = 4 * 1024 * 1024;
const BODY_TIMEOUT_MS = 30_000;

/** Refuses a request from elsewhere. @throws {ApiError} 403. */
export function checkSender({ headers }: Request, allowedOrigins: readonly string[]): void {
  const host = headers.get("host");
  if (host === null || !LOOPBACK.test(host)) throw foreignHost(host);
  const origin = headers.get("origin");
  if (origin !== null && !allowedOrigins.includes(origin)) throw foreignOrigin(origin);
}

/** Headers that let an allowed page read an answer; none for others. */
export function corsHeaders(
  { headers }: Request,
  allowedOrigins: readonly string[],
): Record<string, string> {
  const origin = headers.get("origin");
  if (origin === null || !allowedOrigins.includes(origin)) return {};
  const wanted = headers.get("access-control-request-headers");
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "GET, POST",
    ...(wanted === null ? {} : { "access-control-allow-headers": wanted }),
    "vary": "origin",
  };
}

/** Reads a body as JSON. @throws {ApiError} 400, 408, 413, 415. */
export async function readJsonBody(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type");
  if (type === null || !/^application\/json\s*(;|$)/i.test(type)) throw notJson(type);
  const text = await readBody(request);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badJson(error);
  }
}

async function readBody({ headers, body }: Request): Promise<string> {
  if (Number(headers.get("content-length") ?? 0) > BODY_LIMIT_BYTES) {
    throw bodyTooLarge(BODY_LIMIT_BYTES);
  }
  if (body === null) return "";
  const reader = body.getReader();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    reader.cancel().catch(() => {});
  }, BODY_TIMEOUT_MS);
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      size += part.value.length;
      if (size > BODY_LIMIT_BYTES) {
        reader.cancel().catch(() => {});
        throw bodyTooLarge(BODY_LIMIT_BYTES);
      }
      text += decoder.decode(part.value, { stream: true });
    }
  } finally {
    clearTimeout(timer);
  }
  if (isLate) throw bodyTooSlow();
  return text + decoder.decode();
}
