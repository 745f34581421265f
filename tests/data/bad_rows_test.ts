/** Rows that make no pair: each is left out under its reason. */

import { assertEquals } from "@std/assert";
import type { RowFaultReason } from "../../src/data/row_fault.ts";
import { ingestAll, jsonl, tempDir } from "./support.ts";

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const system = (content: string) => ({ role: "system", content });
const PING = { type: "function", function: { name: "ping", arguments: {} } };
const CALL = { role: "assistant", content: null, tool_calls: [PING] };
const ASKED = [user("Why?")];
const YES = [assistant("Yes.")];
const NO = [assistant("No.")];
const STANDARD = { form: "standard", prompt: "It is", chosen: " so", rejected: " not" };
const TALK = { form: "conversational", prompt: ASKED, chosen: YES, rejected: NO };

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
  [
    "a role of an object's own name",
    { ...TALK },
    { ...TALK, chosen: [{ role: "constructor", content: "x" }] },
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
    "a tool turn without text or calls",
    { ...TALK },
    { ...TALK, chosen: [{ role: "assistant", content: null, tool_calls: [] }] },
    "notText",
  ],
  [
    "tool calls that are no objects",
    { ...TALK },
    { ...TALK, chosen: [{ role: "assistant", content: null, tool_calls: ["ping"] }] },
    "wrongType",
  ],
  ["tools that are no list", { ...TALK }, { ...TALK, tools: { name: "ping" } }, "wrongType"],
  ["tools of text that is no JSON", { ...TALK }, { ...TALK, tools: "[ping" }, "wrongType"],
  [
    "answers of the same tool call",
    { ...TALK },
    { ...TALK, chosen: [CALL], rejected: [CALL] },
    "identicalAnswers",
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
