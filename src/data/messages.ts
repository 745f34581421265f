/**
 * Conversations in the spellings users have, brought to {role, content}: role/content (OpenAI,
 * TRL), from/value (ShareGPT), content as a list of text parts.
 */

import type { Json, JsonObject } from "../base/json.ts";
import type { Message } from "./pair.ts";
import { RowFault } from "./row_fault.ts";

const ROLES: ReadonlyMap<string, string> = new Map(Object.entries({
  system: "system",
  developer: "system",
  user: "user",
  human: "user",
  prompter: "user",
  assistant: "assistant",
  gpt: "assistant",
  chatgpt: "assistant",
  model: "assistant",
  bot: "assistant",
  function_call: "assistant",
  tool: "tool",
  function: "tool",
  observation: "tool",
  ipython: "tool",
}));

type Fields = Record<string, unknown>;

/** Is the value a JSON object? */
export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Reads a list of turns.
 *
 * @param column Named in faults.
 * @throws RowFault wrongType, missingValue, unknownRole, notText.
 */
export function readMessages(value: unknown, column: string): Message[] {
  if (!Array.isArray(value)) {
    throw new RowFault("wrongType", `"${column}" is not a list of turns`);
  }
  return value.map((turn) => readMessage(turn, column));
}

/**
 * Reads one turn.
 *
 * @throws RowFault wrongType, missingValue, unknownRole, notText.
 */
export function readMessage(value: unknown, column: string): Message {
  if (!isObject(value)) {
    throw new RowFault("wrongType", `"${column}" holds a turn that is no object`);
  }
  const role = value.role ?? value.from;
  if (typeof role !== "string") {
    throw new RowFault("missingValue", `"${column}" holds a turn without a role`);
  }
  const known = ROLES.get(role.toLowerCase());
  if (known === undefined) {
    const name = /^[\w-]{1,24}$/.test(role) ? ` "${role}"` : "";
    throw new RowFault("unknownRole", `"${column}" holds a turn of an unknown role${name}`);
  }
  const more = readToolFields(value, column);
  const content = value.content ?? value.value;
  if (typeof content === "string") return { role: known, content, ...more };
  if (Array.isArray(content)) return { role: known, content: joinParts(content, column), ...more };
  if (more.tool_calls !== undefined) return { role: known, content: "", ...more };
  if (value.tool_calls !== undefined && value.tool_calls !== null) {
    throw new RowFault("notText", `"${column}" holds a turn of tool calls without text`);
  }
  throw new RowFault("missingValue", `"${column}" holds a turn without content`);
}

type ToolFields = Omit<Message, "role" | "content">;

/** Reads what a turn has beside role and content, as far as chat templates write it. */
function readToolFields(value: Fields, column: string): ToolFields {
  const text = (...names: string[]) =>
    names.map((name) => value[name]).find((field) => typeof field === "string") as
      | string
      | undefined;
  const calls = value.tool_calls ?? undefined;
  const fields: ToolFields = {
    name: text("name"),
    tool_calls: calls === undefined ? undefined : readObjects(calls, `tool_calls of "${column}"`),
    tool_call_id: text("tool_call_id"),
    reasoning_content: text("reasoning_content", "thinking", "reasoning"),
  };
  if (fields.tool_calls?.length === 0) fields.tool_calls = undefined;
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined));
}

/**
 * Reads tools: JSON schemas in a list, or the JSON text of one. Empty text is none.
 *
 * @throws RowFault wrongType.
 */
export function readTools(value: unknown): JsonObject[] | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string") return readObjects(value, `"tools"`);
  if (value.trim() === "") return undefined;
  try {
    return readObjects(JSON.parse(value), `"tools"`);
  } catch (error) {
    if (error instanceof RowFault) throw error;
    throw new RowFault("wrongType", `"tools" is text, and not the JSON of a list`);
  }
}

function readObjects(value: unknown, what: string): JsonObject[] {
  if (Array.isArray(value) && value.every(isObject)) return value.map(asJson) as JsonObject[];
  throw new RowFault("wrongType", `${what} is not a list of objects`);
}

/** Parquet's whole numbers are bigints, which JSON cannot write. */
function asJson(value: unknown): Json {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(asJson);
  if (!isObject(value)) return value as Json;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, asJson(member)]));
}

/** Joins the text parts of a turn; a picture or a sound cannot be left out unnoticed. */
function joinParts(parts: unknown[], column: string): string {
  return parts.map((part) => {
    if (typeof part === "string") return part;
    const text = isObject(part) ? part.text ?? part.value : undefined;
    if (typeof text !== "string" || (part as Fields).type !== "text") {
      throw new RowFault("notText", `"${column}" holds a part that is not text`);
    }
    return text;
  }).join("");
}
