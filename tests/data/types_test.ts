/** Dataset types: each is told by its columns, and makes the pair it should. */

import { assertEquals } from "@std/assert";
import { ingestAll, jsonl, tempDir, type TestSource } from "./support.ts";

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const system = (content: string) => ({ role: "system", content });
const PING = { id: "1", type: "function", function: { name: "ping", arguments: { n: 1 } } };
const ASKED = [user("Why?")];
const YES = [assistant("Yes.")];
const NO = [assistant("No.")];
const STANDARD = { form: "standard", prompt: "It is", chosen: " so", rejected: " not" };
const TALK = { form: "conversational", prompt: ASKED, chosen: YES, rejected: NO };

interface Case {
  row: Record<string, unknown>;
  type: string;
  pair: unknown;
  as?: Omit<TestSource, "path">;
}

const CASES: Record<string, Case> = {
  "prompt and answers as texts": {
    row: { prompt: "It is", chosen: " so", rejected: " not", score: 1 },
    type: "standard",
    pair: STANDARD,
  },
  "answers as texts": {
    row: { chosen: "It is so", rejected: "It is not" },
    type: "standard-implicit",
    pair: STANDARD,
  },
  "answers that share nothing": {
    row: { chosen: "Yes", rejected: "No" },
    type: "standard-implicit",
    pair: { form: "standard", prompt: "", chosen: "Yes", rejected: "No" },
  },
  "prompt and answers as turns": {
    row: { prompt: ASKED, chosen: YES, rejected: NO },
    type: "conversational",
    pair: TALK,
  },
  "prompt as turns, answers that repeat it": {
    row: { prompt: ASKED, chosen: [...ASKED, ...YES], rejected: [...ASKED, ...NO] },
    type: "conversational",
    pair: TALK,
  },
  "prompt as turns, answers as texts": {
    row: { prompt: ASKED, chosen: "Yes.", rejected: "No." },
    type: "conversational",
    pair: TALK,
  },
  "answers as turns": {
    row: { chosen: [...ASKED, ...YES], rejected: [...ASKED, ...NO] },
    type: "conversational-implicit",
    pair: TALK,
  },
  "conversations that share an answer's first turn": {
    row: {
      chosen: [...ASKED, assistant("Well."), assistant("Yes.")],
      rejected: [...ASKED, assistant("Well."), assistant("No.")],
    },
    type: "conversational-implicit",
    pair: {
      ...TALK,
      chosen: [assistant("Well."), assistant("Yes.")],
      rejected: [assistant("Well."), assistant("No.")],
    },
  },
  "ShareGPT": {
    row: {
      conversations: [
        { from: "system", value: "Be short." },
        { from: "human", value: "Hi" },
        { from: "gpt", value: "Hello" },
        { from: "human", value: "Why?" },
      ],
      chosen: { from: "gpt", value: "Yes." },
      rejected: { from: "gpt", value: "No." },
    },
    type: "sharegpt",
    pair: { ...TALK, prompt: [system("Be short."), user("Hi"), assistant("Hello"), ...ASKED] },
  },
  "ShareGPT with tools and a system column": {
    row: {
      system: "Be short.",
      conversations: [
        { from: "human", value: "Hi" },
        { from: "function_call", value: "{}" },
        { from: "observation", value: "12" },
      ],
      chosen: { from: "gpt", value: "Yes." },
      rejected: { from: "gpt", value: "No." },
    },
    type: "sharegpt",
    pair: {
      ...TALK,
      prompt: [system("Be short."), user("Hi"), assistant("{}"), { role: "tool", content: "12" }],
    },
  },
  "a tools column, tool calls and their results": {
    row: {
      prompt: [
        user("Hi"),
        { role: "assistant", content: null, tool_calls: [PING], name: null, thinking: "hm" },
        { role: "tool", content: "pong", name: "ping", tool_call_id: "1" },
      ],
      chosen: [{ role: "assistant", content: null, tool_calls: [PING] }],
      rejected: [assistant("No.")],
      tools: [{ type: "function", function: { name: "ping" } }],
    },
    type: "conversational",
    pair: {
      ...TALK,
      prompt: [
        user("Hi"),
        { ...assistant(""), tool_calls: [PING], reasoning_content: "hm" },
        { role: "tool", content: "pong", name: "ping", tool_call_id: "1" },
      ],
      chosen: [{ ...assistant(""), tool_calls: [PING] }],
      tools: [{ type: "function", function: { name: "ping" } }],
    },
  },
  "tools as the text of their JSON": {
    row: { ...TALK, tools: '[{"name": "ping"}]' },
    type: "conversational",
    pair: { ...TALK, tools: [{ name: "ping" }] },
  },
  "Alpaca": {
    row: { instruction: "Add.", input: "1 and 1", output: "2", chosen: "Yes.", rejected: "No." },
    type: "alpaca",
    pair: { ...TALK, prompt: [user("Add.\n\n1 and 1")] },
  },
  "Alpaca with system and history": {
    row: {
      instruction: "Why?",
      input: "",
      system: "Be short.",
      history: [["Hi", "Hello"]],
      chosen: "Yes.",
      rejected: "No.",
    },
    type: "alpaca",
    pair: { ...TALK, prompt: [system("Be short."), user("Hi"), assistant("Hello"), ...ASKED] },
  },
  "Argilla": {
    row: {
      instruction: "Why?",
      chosen_response: "Yes.",
      rejected_response: "No.",
      chosen_rating: 5,
    },
    type: "alpaca",
    pair: TALK,
  },
  "Orca": {
    row: { system: "Be short.", question: "Why?", chosen: "Yes.", rejected: "No." },
    type: "alpaca",
    pair: { ...TALK, prompt: [system("Be short."), ...ASKED] },
  },
  "an input alone as the prompt": {
    row: { system: null, input: "Why?", chosen: "Yes.", rejected: "No." },
    type: "alpaca",
    pair: TALK,
  },
  "a transcript": {
    row: {
      chosen: "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Why? Human: what\n\nAssistant: Yes. ",
      rejected: "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Why? Human: what\n\nAssistant: No.",
    },
    type: "transcript",
    pair: { ...TALK, prompt: [user("Hi"), assistant("Hello"), user("Why? Human: what")] },
  },
  "a transcript with turns of one speaker on end": {
    row: {
      chosen: "\n\nHuman: Hi\n\nHuman: Why?\n\nAssistant: \n\nAssistant: Yes.",
      rejected: "\n\nHuman: Hi\n\nHuman: Why?\n\nAssistant: N\n\nAssistant: o.",
    },
    type: "transcript",
    pair: { ...TALK, prompt: [user("Hi\n\nWhy?")], rejected: [assistant("N\n\no.")] },
  },
  "a transcript with its prompt apart": {
    row: { prompt: "\n\nHuman: Why?\n\nAssistant:", chosen: " Yes.", rejected: " No." },
    type: "transcript",
    pair: TALK,
  },
  "UltraFeedback": {
    row: {
      prompt: "Why?",
      prompt_id: "x",
      messages: [...ASKED, ...YES],
      chosen: [...ASKED, ...YES],
      rejected: [...ASKED, ...NO],
      score_chosen: 8,
    },
    type: "ultrafeedback",
    pair: TALK,
  },
  "a text and answers alone as turns": {
    row: { prompt: "Why?", chosen: YES, rejected: NO },
    type: "ultrafeedback",
    pair: TALK,
  },
  "chosen_messages of content parts": {
    row: {
      chosen_messages: [
        { role: "user", content: [{ type: "text", value: "Wh" }, { type: "text", text: "y?" }] },
        { role: "assistant", content: [{ type: "text", value: "Yes." }], loss_weight: 1 },
      ],
      rejected_messages: [
        { role: "user", content: [{ type: "text", value: "Why?" }] },
        { role: "assistant", content: [{ type: "text", value: "No." }] },
      ],
    },
    type: "conversational-implicit",
    pair: TALK,
  },
  "columns of one's own": {
    row: { frage: "It is", gut: " so", schlecht: " not", chosen: 3 },
    as: { columns: { prompt: "frage", chosen: "gut", rejected: "schlecht" } },
    type: "standard",
    pair: STANDARD,
  },
  "a type that is set": {
    row: { prompt: "Why?", chosen: "Yes.", rejected: "No." },
    as: { type: "alpaca" },
    type: "alpaca",
    pair: TALK,
  },
};

for (const [name, { row, type, pair, as }] of Object.entries(CASES)) {
  Deno.test(`readPairs: reads ${name} as ${type}`, async () => {
    await using dir = await tempDir({ "a.jsonl": jsonl([row]) });
    const { pairs, tally } = await ingestAll(dir.path, [{ path: "a.jsonl", ...as }]);
    assertEquals(tally.toJson().types, { [type]: 1 });
    const { id, source, ...content } = pairs[0]!.row;
    assertEquals(content as unknown, pair);
    assertEquals(source, "a.jsonl:1");
    assertEquals(/^[0-9a-f]{16}$/.test(id), true);
  });
}

Deno.test("readPairs: columns that only later rows fill are read", async () => {
  const rows = [
    { instruction: "Why?", system: null, chosen: "Yes.", rejected: "No." },
    { instruction: "Why?", system: "Be short.", chosen: "Yes.", rejected: "No." },
  ];
  await using dir = await tempDir({ "a.jsonl": jsonl(rows) });
  const { pairs } = await ingestAll(dir.path, [{ path: "a.jsonl" }]);
  assertEquals(pairs.map(({ row }) => row.prompt.length), [1, 2]);
});
