/** Dataset types: each is told by its columns, and makes the pair it should. */

import { assertEquals } from "@std/assert";
import type { RowFaultReason } from "../../src/data/row_fault.ts";
import { ingestAll, jsonl, tempDir, type TestSource } from "./support.ts";

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const system = (content: string) => ({ role: "system", content });
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

const BAD: [what: string, good: Record<string, unknown>, bad: unknown, reason: RowFaultReason][] = [
  ["a number as an answer", { ...STANDARD }, { ...STANDARD, chosen: 3 }, "wrongType"],
  ["a row that is no object", { ...STANDARD }, ["a"], "wrongType"],
  [
    "an answer that is missing",
    { ...STANDARD },
    { prompt: "It is", chosen: " so" },
    "missingValue",
  ],
  ["an answer that is null", { ...STANDARD }, { ...STANDARD, rejected: null }, "missingValue"],
  ["an answer of white space", { ...STANDARD }, { ...STANDARD, rejected: " \n" }, "emptyAnswer"],
  [
    "answers equal but for ends",
    { ...STANDARD },
    { ...STANDARD, rejected: "so\n" },
    "identicalAnswers",
  ],
  ["an empty prompt", { ...STANDARD }, { ...STANDARD, prompt: " " }, "emptyPrompt"],
  [
    "equal texts",
    { chosen: "a b", rejected: "a c" },
    { chosen: "a b", rejected: "a b " },
    "identicalAnswers",
  ],
  [
    "an empty text",
    { chosen: "a b", rejected: "a c" },
    { chosen: "a b", rejected: "" },
    "emptyAnswer",
  ],
  [
    "a role nobody knows",
    { ...TALK },
    { ...TALK, chosen: [{ role: "critic", content: "x" }] },
    "unknownRole",
  ],
  ["a turn without a role", { ...TALK }, { ...TALK, chosen: [{ content: "x" }] }, "missingValue"],
  [
    "a turn without content",
    { ...TALK },
    { ...TALK, chosen: [{ role: "assistant" }] },
    "missingValue",
  ],
  ["a turn that is a text", { ...TALK }, { ...TALK, prompt: ["Why?"] }, "wrongType"],
  [
    "a picture",
    { ...TALK },
    { ...TALK, prompt: [{ role: "user", content: [{ type: "image", text: "x" }] }] },
    "notText",
  ],
  [
    "a tool call without text",
    { ...TALK },
    { ...TALK, chosen: [{ role: "assistant", content: null, tool_calls: [] }] },
    "notText",
  ],
  ["no turns in the prompt", { ...TALK }, { ...TALK, prompt: [] }, "emptyPrompt"],
  ["a last question without words", { ...TALK }, { ...TALK, prompt: [user(" ")] }, "emptyPrompt"],
  [
    "a prompt that ends with an answer",
    { ...TALK },
    { ...TALK, prompt: [...ASKED, ...YES] },
    "promptNotUser",
  ],
  ["a prompt of a system turn", { ...TALK }, { ...TALK, prompt: [system("x")] }, "promptNotUser"],
  ["an answer without turns", { ...TALK }, { ...TALK, rejected: [] }, "emptyAnswer"],
  ["an answer without words", { ...TALK }, { ...TALK, rejected: [assistant("")] }, "emptyAnswer"],
  [
    "an answer by the user",
    { ...TALK },
    { ...TALK, rejected: [user("No.")] },
    "answerNotAssistant",
  ],
  [
    "an answer that ends with the user",
    { ...TALK },
    { ...TALK, rejected: [...NO, user("Oh")] },
    "answerNotAssistant",
  ],
  ["the same turns", { ...TALK }, { ...TALK, rejected: [assistant(" Yes.")] }, "identicalAnswers"],
  [
    "conversations that part at a question",
    { chosen: [...ASKED, ...YES], rejected: [...ASKED, ...NO] },
    { chosen: [...ASKED, ...YES], rejected: [user("What?"), ...NO] },
    "promptsDiffer",
  ],
  [
    "conversations without a question",
    { chosen: [...ASKED, ...YES], rejected: [...ASKED, ...NO] },
    { chosen: YES, rejected: NO },
    "emptyPrompt",
  ],
  [
    "a text that is no transcript",
    { chosen: "\n\nHuman: a\n\nAssistant: b", rejected: "\n\nHuman: a\n\nAssistant: c" },
    { chosen: "Once\n\nHuman: a\n\nAssistant: b", rejected: "\n\nHuman: a\n\nAssistant: c" },
    "wrongType",
  ],
  [
    "a history that is none",
    { instruction: "a", history: [], chosen: "b", rejected: "c" },
    { instruction: "a", history: [["x"]], chosen: "b", rejected: "c" },
    "wrongType",
  ],
];

for (const [what, good, bad, reason] of BAD) {
  Deno.test(`readPairs: ${what} is left out as ${reason}`, async () => {
    await using dir = await tempDir({ "a.jsonl": jsonl([good, bad]) });
    const { pairs, tally } = await ingestAll(dir.path, [{ path: "a.jsonl" }]);
    assertEquals(pairs.length, 1);
    assertEquals(tally.toJson().dropped, { [reason]: { rows: 1, first: ["a.jsonl row 2"] } });
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
