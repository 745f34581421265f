/** Who is let in, what a body may be, and what is no request at all. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { BODY_LIMIT_BYTES } from "../../src/serve/guard.ts";
import { ServePlace } from "./place.ts";

/** Speaks HTTP itself: fetch does not let its Host header be set. */
async function rawStatus({ server }: ServePlace, head: string[], body = ""): Promise<string> {
  const { port } = new URL(server.url);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  const text = [...head, "connection: close", "", body].join("\r\n");
  await connection.write(new TextEncoder().encode(text));
  const bytes = new Uint8Array(4096);
  const read = await connection.read(bytes);
  return new TextDecoder().decode(bytes.subarray(0, read ?? 0));
}

Deno.test("serve: only this machine's names are served, whatever a DNS name points to", async () => {
  await using place = await ServePlace.make();
  const get = (host: string) => rawStatus(place, ["GET /v1/models HTTP/1.1", `host: ${host}`]);
  for (const host of ["127.0.0.1:1234", "localhost", "LOCALHOST:80", "[::1]:9"]) {
    assertStringIncludes(await get(host), "HTTP/1.1 200");
  }
  for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "::1"]) {
    const answer = await get(host);
    assertStringIncludes(answer, "HTTP/1.1 403");
    assertStringIncludes(answer, "host_not_allowed");
  }
});

Deno.test("serve: pages of other origins are refused, before and after asking", async () => {
  await using place = await ServePlace.make({ allowedOrigins: ["http://localhost:3000"] });
  const url = `${place.server.url}/models`;
  for (const origin of ["https://evil.example", "null", "http://localhost:3001"]) {
    for (const method of ["GET", "OPTIONS"]) {
      const response = await fetch(url, { method, headers: { origin } });
      assertEquals(response.status, 403);
      assertEquals(response.headers.get("access-control-allow-origin"), null);
      assertEquals((await response.json()).error.code, "origin_not_allowed");
    }
  }
  const headers = {
    origin: "http://localhost:3000",
    "access-control-request-headers": "authorization, content-type",
  };
  const asked = await fetch(url, { method: "OPTIONS", headers });
  assertEquals(asked.status, 204);
  assertEquals(asked.headers.get("access-control-allow-headers"), "authorization, content-type");
  const let_in = await fetch(url, { headers });
  assertEquals(let_in.headers.get("access-control-allow-origin"), "http://localhost:3000");
  await let_in.body?.cancel();
});

Deno.test("serve: paths, methods and bodies that are none of its own", async () => {
  await using place = await ServePlace.make();
  const status = async (path: string, body: BodyInit, headers?: Record<string, string>) => {
    const { status, json } = await place.post(path, body, headers);
    assertEquals(Object.keys(json.error).sort(), ["code", "message", "param", "type"]);
    return [status, json.error.code];
  };
  const path = "/chat/completions";
  assertEquals(await status("/embeddings", "{}"), [404, "unknown_url"]);
  assertEquals(await status("/models", "{}"), [405, "method_not_supported"]);
  assertEquals(await status(path, "{", {}), [400, null]);
  assertEquals(await status(path, "[]"), [400, null]);
  assertEquals(await status(path, "", {}), [400, null]);
  assertEquals(await status(path, "{}", { "content-type": "text/plain" }), [415, null]);
  const get = await fetch(place.server.url + path);
  assertEquals([get.status, get.headers.get("allow")], [405, "POST"]);
  await get.body?.cancel();
  const none = await fetch(new URL("/", place.server.url));
  assertEquals([none.status, (await none.json()).error.code], [404, "unknown_url"]);
});

Deno.test("serve: a body beyond the limit is refused, told of or not", async () => {
  await using place = await ServePlace.make();
  const told = await rawStatus(place, [
    "POST /v1/completions HTTP/1.1",
    "host: localhost",
    "content-type: application/json",
    `content-length: ${BODY_LIMIT_BYTES + 1}`,
  ]);
  assertStringIncludes(told, "HTTP/1.1 413");
  const part = new Uint8Array(64 * 1024).fill(32);
  let left = BODY_LIMIT_BYTES / part.length + 1;
  const body = new ReadableStream({
    pull: (controller) => left-- > 0 ? controller.enqueue(part) : controller.close(),
  });
  assertEquals((await place.post("/completions", body)).status, 413);
  const padded = JSON.stringify({ model: "tiny", prompt: "a", max_tokens: 1 }).padEnd(100_000);
  assertEquals((await place.post("/completions", padded)).status, 200);
});
