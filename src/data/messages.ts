/**
 * Conversations in the spellings users have, brought to {role, content}: role/content (OpenAI,
 * TRL), from/value (ShareGPT), content as a list of text parts.
 */

import type { Message } from "./pair.ts";
import { RowFault } from "./row_fault.ts";

const ROLES: Readonly<Record<string, string>> = {
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
};

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
  const known = ROLES[role.toLowerCase()];
  if (known === undefined) {
    const name = /^[\w-]{1,24}$/.test(role) ? ` "${role}"` : "";
    throw new RowFault("unknownRole", `"${column}" holds a turn of an unknown role${name}`);
  }
  const content = value.content ?? value.value;
  if (typeof content === "string") return { role: known, content };
  if (Array.isArray(content)) return { role: known, content: joinParts(content, column) };
  if (value.tool_calls !== undefined && value.tool_calls !== null) {
    throw new RowFault("notText", `"${column}" holds a turn of tool calls without text`);
  }
  throw new RowFault("missingValue", `"${column}" holds a turn without content`);
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
