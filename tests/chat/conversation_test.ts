/** Conversations: what the model sees, what stays on the device, what is left out, what is undone. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { answer } from "../../src/chat/answer.ts";
import { Conversation } from "../../src/chat/conversation.ts";
import { LoadedModel } from "../../src/chat/loaded_model.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { writeTinyChatModel } from "./tiny_chat_model.ts";

const OPTIONS = { maxNewTokens: 20 };

async function withModel(fn: (loaded: LoadedModel) => Promise<void>, positions = 256) {
  const dir = await Deno.makeTempDir();
  try {
    await writeTinyChatModel(dir, { seed: "8", positions });
    using loaded = await LoadedModel.load({ path: dir }, { device: await openDevice("wasm") });
    await fn(loaded);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("Conversation: a turn sees those before, and computes only what is new", () =>
  withModel(async (loaded) => {
    using talk = new Conversation(loaded, "Be brief.");
    const first = (await talk.ask("Hi", OPTIONS)).answer!;
    assertEquals(first.cachedTokens, 0);
    const second = (await talk.ask("And now?", OPTIONS)).answer!;
    assertEquals(second.cachedTokens, first.promptTokens + first.ids.length - 1);
    const before = talk.messages.slice(0, -1);
    assertEquals(before.map(({ role }) => role), ["system", "user", "assistant", "user"]);
    const alone = await answer(loaded, loaded.encode(before), OPTIONS);
    assertEquals(second.text, alone.text);
    talk.reset();
    const again = (await talk.ask("Hi", OPTIONS)).answer!;
    assertEquals(again.text, first.text);
    assertEquals(talk.messages.length, 3);
  }));

Deno.test("Conversation: leaves out the oldest turns, never the system's, where they do not fit", () =>
  withModel(async (loaded) => {
    using talk = new Conversation(loaded, "S");
    const leftOut: number[] = [];
    for (let turn = 0; turn < 4; turn++) {
      leftOut.push((await talk.ask("x".repeat(20), OPTIONS)).leftOut);
    }
    assertEquals(leftOut[0], 0);
    assert(leftOut[3]! >= 2 && leftOut[3]! % 2 === 0, `${leftOut}`);
    assertEquals(talk.messages.length, 9);
    const error = await assertRejects(() => talk.ask("y".repeat(100), OPTIONS), OddsmithError);
    assertEquals(error.code, "CONTEXT_FULL");
    assertEquals(talk.messages.length, 9);
    const next = await talk.ask("z", OPTIONS);
    assert(next.answer !== undefined);
  }, 96));

Deno.test("Conversation: an answer that is stopped keeps what was said; a refusal leaves no trace", () =>
  withModel(async (loaded) => {
    using talk = new Conversation(loaded);
    const controller = new AbortController();
    let said = "";
    const reply = await talk.ask("Hi", {
      ...OPTIONS,
      signal: controller.signal,
      onText: (text) => {
        said += text;
        if (said.length >= 5) controller.abort(new Error("stop"));
      },
    });
    assertEquals(reply.answer, undefined);
    assertEquals(talk.messages.at(-1), { role: "assistant", content: said });
    const aborted = AbortSignal.abort(new Error("at once"));
    assertEquals((await talk.ask("Yo", { ...OPTIONS, signal: aborted })).answer, undefined);
    assertEquals(talk.messages.length, 2);
    const next = (await talk.ask("Go on", OPTIONS)).answer!;
    const alone = await answer(loaded, loaded.encode(talk.messages.slice(0, -1)), OPTIONS);
    assertEquals(next.text, alone.text);
  }));

Deno.test("answer: a special token as a stop string ends the text as such", () =>
  withModel(async (loaded) => {
    const prompt = loaded.encode([{ role: "user", content: "Hi" }]);
    const free = await answer(loaded, prompt, OPTIONS);
    assertEquals([free.end, free.text.length], ["length", 20]);
    const cut = await answer(loaded, prompt, { ...OPTIONS, stop: [free.text.slice(4, 7)] });
    assertEquals([cut.end, cut.text], ["stop", free.text.slice(0, 4)]);
    // At a high temperature the silent special tokens come up too.
    const stop = ["<|bos|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>"];
    const wild = { maxNewTokens: 250, temperature: 1000, seed: 3, stop };
    const stopped = await answer(loaded, prompt, wild);
    assertEquals(stopped.end, "stop");
    assert(stop.includes(loaded.tokenizer.tokenText(stopped.ids.at(-1)!)));
    assert(stop.every((token) => !stopped.text.includes(token)));
  }));
