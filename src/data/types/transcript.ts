/**
 * Transcripts in one text, as in Anthropic's HH sets: turns that begin with "\n\nHuman:" and
 * "\n\nAssistant:". Turns of one speaker on end are one turn; white space around turns is dropped.
 */

import type { Message } from "../pair.ts";
import { RowFault } from "../row_fault.ts";
import { splitConversations, withSystem } from "./conversational.ts";
import type { DatasetType } from "./dataset_type.ts";
import { optionalText, textField } from "./fields.ts";

/** {chosen, rejected}, or {prompt, chosen, rejected} where the answers go on from the prompt. */
export const transcript: DatasetType = {
  requires: ["chosen", "rejected"],
  convert: (fields) => {
    const prompt = optionalText(fields, "prompt");
    const turns = (field: "chosen" | "rejected") =>
      withSystem(fields, parseTranscript(prompt + textField(fields, field), field));
    return splitConversations(turns("chosen"), turns("rejected"));
  },
};

/** Does a text begin as a transcript does, and hold an answer? */
export function looksLikeTranscript(text: string): boolean {
  return /^\s*Human:/.test(text) && /\n\nAssistant:/.test(text);
}

const SPEAKER = /(?:^\s*|\n\n)(Human|Assistant):/g;

/** Cuts a transcript into turns. @throws RowFault wrongType where it does not begin with one. */
function parseTranscript(text: string, column: string): Message[] {
  const marks = [...text.matchAll(SPEAKER)];
  if (marks.length === 0 || marks[0]!.index > 0) {
    throw new RowFault("wrongType", `"${column}" is no transcript of Human: and Assistant: turns`);
  }
  const turns: Message[] = [];
  for (const [index, mark] of marks.entries()) {
    const role = mark[1] === "Human" ? "user" : "assistant";
    const content = text.slice(mark.index + mark[0].length, marks[index + 1]?.index).trim();
    const last = turns.at(-1);
    if (last?.role === role) last.content = [last.content, content].filter(Boolean).join("\n\n");
    else turns.push({ role, content });
  }
  return turns;
}
