/** Pairs written as text: what the template adds, where prompt and answer part, what cannot be. */

import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import type { ConversationalPair, Message, StandardPair } from "../../src/data/pair.ts";
import { ChatTemplate } from "../../src/text/chat_template.ts";
import { type TemplateOptions, templatePair } from "../../src/text/template_pair.ts";
import { NAMED_TEMPLATES } from "../../src/text/templates.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { SHARED_TOKENIZERS, testWith } from "./tokenizer_sources.ts";

const specialTokens = { bos_token: "<s>", eos_token: "</s>" };

function named(name: string, more: Partial<TemplateOptions> = {}): TemplateOptions {
  const template = new ChatTemplate(name, NAMED_TEMPLATES[name]!);
  return { template, render: { specialTokens }, ...more };
}

function inline(source: string, more: Partial<TemplateOptions> = {}): TemplateOptions {
  return { template: new ChatTemplate("inline", source), render: { specialTokens }, ...more };
}

const standard: StandardPair = {
  form: "standard",
  id: "s1",
  source: "pairs.jsonl:3",
  prompt: "The sky is",
  chosen: " blue.",
  rejected: " green.",
};

function conversation(prompt: Message[], chosen = "Yes.", rejected = "No."): ConversationalPair {
  const answer = (content: string): Message[] => [{ role: "assistant", content }];
  return {
    form: "conversational",
    id: "c1",
    source: "chats.jsonl:5",
    prompt,
    chosen: answer(chosen),
    rejected: answer(rejected),
  };
}

const asked: Message[] = [{ role: "user", content: "Is it?" }];

function textsOf(...args: Parameters<typeof templatePair>): string[] {
  const { prompt, chosen, rejected } = templatePair(...args).pair;
  return [prompt, chosen, rejected];
}

function errorOf(...args: Parameters<typeof templatePair>): OddsmithError {
  try {
    templatePair(...args);
  } catch (error) {
    assertInstanceOf(error, OddsmithError);
    return error;
  }
  throw new Error("nothing was thrown");
}

Deno.test("templatePair: without a template a standard pair stays as it is", () => {
  const { pair } = templatePair(standard, {});
  assertEquals(pair, {
    id: "s1",
    source: "pairs.jsonl:3",
    prompt: "The sky is",
    chosen: " blue.",
    rejected: " green.",
    templated: false,
  });
});

Deno.test("templatePair: a conversation gets the generation prompt, answers what the template adds", () => {
  assertEquals(textsOf(conversation(asked), named("chatml")), [
    "<|im_start|>user\nIs it?<|im_end|>\n<|im_start|>assistant\n",
    "Yes.<|im_end|>\n",
    "No.<|im_end|>\n",
  ]);
  assertEquals(textsOf(conversation(asked), named("alpaca")), [
    "### Instruction:\nIs it?\n\n### Response:\n",
    "Yes.</s>",
    "No.</s>",
  ]);
  assertEquals(textsOf(conversation(asked), named("llama2")), [
    "<s>[INST] Is it? [/INST]",
    " Yes. </s>",
    " No. </s>",
  ]);
  assertEquals(textsOf(conversation(asked), named("plain")), [
    "User: Is it?\nAssistant:",
    " Yes.</s>\n",
    " No.</s>\n",
  ]);
});

Deno.test("templatePair: prompt and answer join to the whole conversation's rendering", () => {
  const turns: Message[] = [
    { role: "system", content: "Be brief." },
    { role: "user", content: "One?" },
    { role: "assistant", content: "1" },
    { role: "user", content: "Two?" },
  ];
  for (const name of Object.keys(NAMED_TEMPLATES)) {
    const options = named(name);
    const pair = conversation(turns, "2", "3");
    const [prompt, chosen, rejected] = textsOf(pair, options);
    const whole = (answer: Message[]) =>
      options.template!.render([...turns, ...answer], { specialTokens });
    assertEquals(prompt! + chosen, whole(pair.chosen));
    assertEquals(prompt! + rejected, whole(pair.rejected));
  }
});

Deno.test("templatePair: a standard pair becomes two turns where there is a template, or stays text", () => {
  const [prompt, chosen] = textsOf(standard, named("plain"));
  assertEquals([prompt, chosen], ["User: The sky is\nAssistant:", "  blue.</s>\n"]);
  assertEquals(textsOf(standard, named("plain", { standardAs: "text" })), [
    "The sky is",
    " blue.",
    " green.",
  ]);
});

Deno.test("templatePair: a system prompt is added where the row has none", () => {
  const options = named("plain", { systemPrompt: "Be kind." });
  const added = templatePair(conversation(asked), options);
  assertEquals(added.pair.prompt, "Be kind.\n\nUser: Is it?\nAssistant:");
  assertEquals(added.notes.systemPromptAdded, true);
  const own = templatePair(conversation([{ role: "system", content: "Own." }, ...asked]), options);
  assertEquals(own.pair.prompt, "Own.\n\nUser: Is it?\nAssistant:");
  assertEquals(own.notes.systemPromptAdded, false);
  assertEquals(
    templatePair(standard, options).pair.prompt,
    "Be kind.\n\nUser: The sky is\nAssistant:",
  );
});

Deno.test("templatePair: addGenerationPrompt false leaves the answer's header to the answer", () => {
  const options = named("chatml", { addGenerationPrompt: false });
  assertEquals(textsOf(conversation(asked), options), [
    "<|im_start|>user\nIs it?<|im_end|>\n",
    "<|im_start|>assistant\nYes.<|im_end|>\n",
    "<|im_start|>assistant\nNo.<|im_end|>\n",
  ]);
});

const TURNS = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}";

Deno.test("templatePair: a generation prompt with more than an answer has ends where they part", () => {
  const options = inline(`${TURNS}{% if add_generation_prompt %}<assistant><think>{% endif %}`);
  const { pair, notes } = templatePair(conversation(asked), options);
  assertEquals([pair.prompt, pair.chosen, pair.rejected], [
    "<user>Is it?<assistant>",
    "Yes.",
    "No.",
  ]);
  assertEquals(notes.promptShortened, true);
});

Deno.test("templatePair: both answers have the same prompt where only one starts as the template asks", () => {
  const options = inline(`${TURNS}{% if add_generation_prompt %}<assistant><think>{% endif %}`);
  assertEquals(textsOf(conversation(asked, "<think>so</think>Yes.", "No."), options), [
    "<user>Is it?<assistant>",
    "<think>so</think>Yes.",
    "No.",
  ]);
});

Deno.test("templatePair: a character is not cut where renderings part inside it", () => {
  const options = inline(`${TURNS}{% if add_generation_prompt %}<assistant>\u{1F600}{% endif %}`);
  assertEquals(textsOf(conversation(asked, "\u{1F601}", "\u{1F602}"), options), [
    "<user>Is it?<assistant>",
    "\u{1F601}",
    "\u{1F602}",
  ]);
});

Deno.test("templatePair: an end of text after unfinished conversations is no part of the prompt", () => {
  const options = inline(
    `${TURNS}{% if add_generation_prompt %}<assistant>{% else %}</s>{% endif %}`,
  );
  assertEquals(textsOf(conversation(asked), options), [
    "<user>Is it?<assistant>",
    "Yes.</s>",
    "No.</s>",
  ]);
});

Deno.test("templatePair: a template that rewrites the prompt once an answer follows is an error", () => {
  const options = inline(
    "{% for m in messages %}{% if loop.last %}LAST {% endif %}{{ m.content }}\n{% endfor %}" +
      "{% if add_generation_prompt %}>{% endif %}",
  );
  const error = errorOf(conversation(asked), options);
  assertEquals(error.code, "TEMPLATE_BOUNDARY");
  assertStringIncludes(error.message, '"inline"');
  assertStringIncludes(error.message, "from character 1 on");
  assertEquals(error.location, { file: "chats.jsonl", row: 5 });
});

Deno.test("templatePair: a conversation without a template names the row and the way out", () => {
  const error = errorOf(conversation(asked), {});
  assertEquals(error.code, "TEMPLATE_MISSING");
  assertEquals(error.location, { file: "chats.jsonl", row: 5 });
  assertStringIncludes(error.hint!, "template: alpaca");
});

Deno.test("templatePair: a conversation without messages is an error", () => {
  const error = errorOf({ ...conversation(asked), rejected: [] }, named("plain"));
  assertEquals(error.code, "TEMPLATE_EMPTY");
  assertStringIncludes(error.message, '"rejected"');
});

Deno.test("templatePair: what the template refuses names template and row", () => {
  const error = errorOf(conversation([{ role: "tool", content: "42" }]), named("alpaca"));
  assertEquals(error.code, "TEMPLATE_RAISED");
  assertStringIncludes(error.format(), '"alpaca" knows system, user and assistant, not tool');
  assertStringIncludes(error.format(), "at chats.jsonl row 5");
});

testWith(
  SHARED_TOKENIZERS.minimind!,
  "templatePair: minimind's thinking header belongs to the prompt",
  async () => {
    const { chatTemplate, specialTokens } = await loadTokenizer(SHARED_TOKENIZERS.minimind!);
    const options = inline(chatTemplate!, { render: { specialTokens } });
    const { pair, notes } = templatePair(conversation(asked), options);
    assertEquals([pair.prompt, pair.chosen], [
      "<|im_start|>user\nIs it?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
      "Yes.<|im_end|>\n",
    ]);
    assertEquals(notes.promptShortened, false);
  },
);
