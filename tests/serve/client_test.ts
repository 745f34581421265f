/** The server as OpenAI's own client sees it. */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import OpenAI, { APIError, APIUserAbortError } from "openai";
import { answer } from "../../src/chat/answer.ts";
import { ServePlace } from "./place.ts";

const ASK = [{ role: "user" as const, content: "Hi" }];
const GREEDY = { model: "tiny", temperature: 0 };

/** What the model says without a server. */
async function expected({ loaded }: ServePlace, prompt: string | typeof ASK, tokens: number) {
  return await answer(loaded, loaded.encode(prompt), { maxNewTokens: tokens });
}

Deno.test("serve: the client lists the model, finds it by name, and no other", async () => {
  await using place = await ServePlace.make();
  const models = await place.client.models.list();
  assertEquals(models.data.map(({ id }) => id), ["tiny"]);
  assertEquals((await place.client.models.retrieve("tiny")).object, "model");
  const error = await assertRejects(() => place.client.models.retrieve("gpt-x"), APIError);
  assertEquals([error.status, error.code], [404, "model_not_found"]);
});

Deno.test("serve: a chat completion is the model's answer, with usage and reason", async () => {
  await using place = await ServePlace.make();
  const wanted = await expected(place, ASK, 40);
  const got = await place.client.chat.completions.create({
    ...GREEDY,
    messages: ASK,
    max_completion_tokens: 40,
  });
  assertEquals(got.choices.length, 1);
  assertEquals(got.choices[0]!.message.content, wanted.text);
  assertEquals(got.choices[0]!.message.role, "assistant");
  assertEquals(got.choices[0]!.finish_reason, "length");
  assertEquals(got.usage, { prompt_tokens: 5, completion_tokens: 40, total_tokens: 45 });
  assertEquals([got.object, got.model], ["chat.completion", "tiny"]);
  assertMatch(got.id, /^chatcmpl-/);
});

Deno.test("serve: an answer that ends by itself says so, to the end of the context", async () => {
  await using place = await ServePlace.make({ seed: "9" });
  const got = await place.client.chat.completions.create({ ...GREEDY, messages: ASK });
  assertEquals(got.choices[0]!.finish_reason, "stop");
  assertEquals(got.usage!.completion_tokens, 25);
  assertEquals(got.choices[0]!.message.content!.length, 24);
});

Deno.test("serve: a streamed chat is the same text, chunk by chunk, usage last", async () => {
  await using place = await ServePlace.make();
  const wanted = await expected(place, ASK, 30);
  const stream = await place.client.chat.completions.create({
    ...GREEDY,
    messages: ASK,
    max_tokens: 30,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await Array.fromAsync(stream);
  const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));
  assertEquals(deltas[0], { role: "assistant", content: "" });
  assertEquals(deltas.map(({ content }) => content ?? "").join(""), wanted.text);
  assert(chunks.length > 25, `${chunks.length} chunks`);
  assertEquals(chunks.at(-2)!.choices[0]!.finish_reason, "length");
  assertEquals(chunks.at(-1)!.choices, []);
  assertEquals(chunks.at(-1)!.usage!.completion_tokens, 30);
  assertEquals(new Set(chunks.map(({ id }) => id)).size, 1);
});

Deno.test("serve: completions, whole and streamed, of a text and of ids", async () => {
  await using place = await ServePlace.make();
  const { client, loaded } = place;
  const wanted = await expected(place, "Once", 16);
  const ask = { ...GREEDY, prompt: "Once" };
  const whole = await client.completions.create(ask);
  assertEquals(whole.choices[0]!.text, wanted.text);
  assertEquals(whole.usage, { prompt_tokens: 5, completion_tokens: 16, total_tokens: 21 });
  assertEquals(whole.object, "text_completion");
  const ids = await client.completions.create({ ...ask, prompt: loaded.encode("Once") });
  assertEquals(ids.choices[0]!.text, wanted.text);
  const chunks = await Array.fromAsync(await client.completions.create({ ...ask, stream: true }));
  assertEquals(chunks.map(({ choices }) => choices[0]!.text).join(""), wanted.text);
  assertEquals(chunks.at(-1)!.choices[0]!.finish_reason, "length");
});

Deno.test("serve: a stop string ends the text before it, and no part of it is streamed", async () => {
  await using place = await ServePlace.make();
  const { text } = await expected(place, ASK, 40);
  const stop = text.slice(17, 20);
  const before = text.slice(0, text.indexOf(stop));
  const ask = { ...GREEDY, messages: ASK, max_tokens: 40, stop: ["never said", stop] };
  const whole = await place.client.chat.completions.create(ask);
  assertEquals(whole.choices[0]!.message.content, before);
  assertEquals(whole.choices[0]!.finish_reason, "stop");
  const stream = await place.client.chat.completions.create({ ...ask, stream: true });
  let shown = "";
  for await (const { choices } of stream) {
    shown += choices[0]?.delta.content ?? "";
    assert(before.startsWith(shown), shown);
  }
  assertEquals(shown, before);
});

Deno.test("serve: a seed repeats, another differs, and none is drawn anew", async () => {
  await using place = await ServePlace.make();
  const say = async (seed?: number) => {
    const ask = { model: "tiny", messages: ASK, max_tokens: 30, seed };
    return (await place.client.chat.completions.create(ask)).choices[0]!.message.content;
  };
  assertEquals(await say(1), await say(1));
  assertNotEquals(await say(1), await say(2));
  assertNotEquals(await say(), await say());
});

Deno.test("serve: the model's own sampling settings apply where a request says nothing", async () => {
  const settings = JSON.stringify({ do_sample: true, temperature: 5, top_k: 1 });
  await using place = await ServePlace.make({ files: { "generation_config.json": settings } });
  const wanted = await expected(place, ASK, 20);
  const ask = { model: "tiny", messages: ASK, max_tokens: 20 };
  const got = await place.client.chat.completions.create(ask);
  assertEquals(got.choices[0]!.message.content, wanted.text);
  const free = { ...ask, top_k: 0 };
  const other = await place.client.chat.completions.create(free);
  assertNotEquals(other.choices[0]!.message.content, wanted.text);
});

Deno.test("serve: log-probabilities come with the text they belong to", async () => {
  await using place = await ServePlace.make();
  const ask = { ...GREEDY, messages: ASK, max_tokens: 12, logprobs: true, top_logprobs: 3 };
  const whole = await place.client.chat.completions.create(ask);
  const choice = whole.choices[0]!;
  const content = choice.logprobs!.content!;
  assertEquals(content.map(({ token }) => token).join(""), choice.message.content);
  for (const { token, logprob, top_logprobs: top, bytes } of content) {
    assertEquals([top.length, top[0]!.token, top[0]!.logprob], [3, token, logprob]);
    assert(top[1]!.logprob <= logprob && logprob < 0);
    assertEquals(bytes, [token.charCodeAt(0)]);
  }
  const chunks = await Array.fromAsync(
    await place.client.chat.completions.create({ ...ask, stream: true }),
  );
  const streamed = chunks.flatMap(({ choices }) => choices[0]!.logprobs?.content ?? []);
  assertEquals(streamed, content);
  const text = await place.client.completions.create({
    ...GREEDY,
    prompt: place.loaded.encode(ASK),
    max_tokens: 12,
    logprobs: 2,
  });
  const scores = text.choices[0]!.logprobs!;
  assertEquals(scores.tokens!.join(""), choice.message.content);
  assertEquals(scores.text_offset, content.map((_, at) => at));
  scores.token_logprobs!.forEach((score, at) => assertAlmostEquals(score, content[at]!.logprob));
  const stop = choice.message.content!.slice(6, 8);
  const cut = await place.client.chat.completions.create({ ...ask, stop });
  const kept = cut.choices[0]!;
  assertEquals(
    kept.logprobs!.content!.map(({ token }) => token).join(""),
    kept.message.content,
  );
});

Deno.test("serve: what cannot be done is refused in OpenAI's words", async () => {
  await using place = await ServePlace.make();
  const refuse = async (change: Record<string, unknown>) => {
    const ask = { ...GREEDY, messages: ASK, max_tokens: 1, ...change };
    // deno-lint-ignore no-explicit-any
    const run = () => place.client.chat.completions.create(ask as any);
    const { status, param, code, type } = await assertRejects(run, APIError);
    return [status, param, code, type];
  };
  const bad = "invalid_request_error";
  assertEquals(await refuse({ n: 2 }), [400, "n", null, bad]);
  assertEquals(await refuse({ tools: [{}] }), [400, "tools", null, bad]);
  assertEquals(await refuse({ frequency_penalty: 1 }), [400, "frequency_penalty", null, bad]);
  assertEquals(await refuse({ temprature: 1 }), [400, "temprature", null, bad]);
  assertEquals(await refuse({ temperature: -1 }), [400, "temperature", null, bad]);
  assertEquals(await refuse({ top_logprobs: 2 }), [400, "top_logprobs", null, bad]);
  assertEquals(await refuse({ messages: [] }), [400, "messages", null, bad]);
  assertEquals(await refuse({ messages: [{ role: "owl", content: "" }] }), [
    400,
    "messages",
    null,
    bad,
  ]);
  assertEquals(await refuse({ messages: [{ role: "tool", content: "" }] }), [
    400,
    null,
    "TEMPLATE_RAISED",
    bad,
  ]);
  assertEquals(await refuse({ model: "gpt-x" }), [404, "model", "model_not_found", bad]);
  const long = [{ role: "user", content: "a".repeat(300) }];
  assertEquals(await refuse({ messages: long }), [400, null, "context_length_exceeded", bad]);
  const outside = () => place.client.completions.create({ ...GREEDY, prompt: [1, 5000] });
  const error = await assertRejects(outside, OpenAI.BadRequestError);
  assertEquals(error.code, "TOKEN_RANGE");
  assertStringIncludes(error.message, "5000");
});

Deno.test("serve: a client that goes stops its answer, streamed, whole or waiting", async () => {
  await using place = await ServePlace.make();
  const { client, lines } = place;
  const long = { ...GREEDY, messages: ASK, max_tokens: 200, logit_bias: {} };
  const stream = await client.chat.completions.create({ ...long, stream: true });
  for await (const _ of stream) break;
  const gone = async (count: number) => {
    for (let i = 0; i < 200; i++) {
      if (lines.filter((line) => line.includes("client gone")).length >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`not noticed: ${lines}`);
  };
  await gone(1);
  const controller = new AbortController();
  const { signal } = controller;
  const running = client.chat.completions.create(long, { signal });
  const waiting = client.chat.completions.create(long, { signal });
  setTimeout(() => controller.abort(), 30);
  await assertRejects(() => running, APIUserAbortError);
  await assertRejects(() => waiting, APIUserAbortError);
  await gone(3);
  assertEquals(lines.filter((line) => line.includes(" 200 ")), []);
  const after = await client.chat.completions.create({ ...long, max_tokens: 3 });
  assertEquals(after.usage!.completion_tokens, 3);
});

Deno.test("serve: requests wait for each other, and beyond the bound are refused with 503", async () => {
  await using place = await ServePlace.make({ maxWaiting: 1 });
  const ask = { ...GREEDY, messages: ASK, max_tokens: 60 };
  const say = () => place.client.chat.completions.create(ask);
  const results = await Promise.allSettled([say(), say(), say(), say()]);
  const done = results.filter(({ status }) => status === "fulfilled");
  const refused = results.flatMap((result) => result.status === "rejected" ? [result.reason] : []);
  assertEquals([done.length, refused.length], [2, 2]);
  for (const error of refused) {
    assert(error instanceof APIError);
    assertEquals([error.status, error.code], [503, "overloaded"]);
    assertEquals(error.headers?.get("retry-after"), "1");
  }
  const texts = done.map((result) =>
    (result as PromiseFulfilledResult<OpenAI.ChatCompletion>).value.choices[0]!.message.content
  );
  assertEquals(texts[0], texts[1]);
});

Deno.test("serve: a shutdown ends what runs and waits with an error, and nothing half", async () => {
  const place = await ServePlace.make();
  const { client, server } = place;
  const long = { ...GREEDY, messages: ASK, max_tokens: 200 };
  const stream = await client.chat.completions.create({ ...long, stream: true });
  const whole = client.chat.completions.create(long);
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  let stopping: Promise<void> | undefined;
  const read = async () => {
    for await (const chunk of stream) {
      chunks.push(chunk);
      // Not before the other request is in: one that comes later finds nobody listening.
      if (chunks.length >= 3 && server.taken === 2) stopping ??= server.shutdown();
    }
  };
  const [streamed, waited] = await Promise.allSettled([read(), whole]);
  assertEquals(streamed.status, "rejected");
  assertStringIncludes(String((streamed as PromiseRejectedResult).reason), "shutting down");
  assert(chunks.every(({ choices }) => choices[0]!.finish_reason === null));
  assertEquals((waited as PromiseRejectedResult).reason.status, 503);
  await place[Symbol.asyncDispose]();
  await assertRejects(() => client.models.list());
});
