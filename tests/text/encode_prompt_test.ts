/** Prompts to generate from. */

import { assertEquals, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { ChatTemplate } from "../../src/text/chat_template.ts";
import { encodePrompt } from "../../src/text/encode_prompt.ts";
import { byteTokenizer } from "./tokenizer_sources.ts";

const messages = [{ role: "user", content: "q" }];

Deno.test("encodePrompt: a text begins with BOS once, where the model does so", async () => {
  const tokenizer = await byteTokenizer();
  assertEquals(encodePrompt(tokenizer, "q"), [256, 113]);
  assertEquals(encodePrompt(tokenizer, "<|bos|>q"), [256, 113]);
  const without = await byteTokenizer({ add_bos_token: false });
  assertEquals(encodePrompt(without, "q"), [113]);
  assertEquals(encodePrompt(without, ""), [256]);
});

Deno.test("encodePrompt: a conversation is written by the template, up to the answer's header", async () => {
  const tokenizer = await byteTokenizer();
  assertEquals(
    tokenizer.decode(encodePrompt(tokenizer, messages)),
    "<|bos|><|user|>q<|assistant|>",
  );
  const template = new ChatTemplate("t", "{{ messages[0].content }}{{ eos_token }}");
  assertEquals(encodePrompt(tokenizer, messages, { template }), [256, 113, 257]);
});

Deno.test("encodePrompt: a conversation without a template is an error", async () => {
  const tokenizer = await byteTokenizer({ chat_template: undefined });
  const error = assertThrows(() => encodePrompt(tokenizer, messages), OddsmithError);
  assertEquals(error.code, "TEMPLATE_MISSING");
});
