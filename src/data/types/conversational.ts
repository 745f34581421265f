/**
 * Pairs of conversations: TRL's with and without prompt, ShareGPT's, and UltraFeedback's, whose
 * answers are whole conversations beside a prompt of text.
 */

import { commonTurns, sameTurn } from "../common_prefix.ts";
import { isObject, readMessage, readMessages } from "../messages.ts";
import type { ConversationalPair, Message } from "../pair.ts";
import { RowFault } from "../row_fault.ts";
import type { DatasetType } from "./dataset_type.ts";
import { type Field, type Fields, optionalText, textField } from "./fields.ts";

/** A conversational pair's content. */
export type Content = Omit<ConversationalPair, "id" | "source">;

/** {prompt, chosen, rejected}: lists of turns; a text as an answer is an assistant turn. */
export const conversational: DatasetType = {
  requires: ["prompt", "chosen", "rejected"],
  convert: (fields) => {
    const prompt = withSystem(fields, readMessages(fields.prompt, "prompt"));
    return {
      form: "conversational",
      prompt,
      chosen: withoutPrompt(readAnswer(fields, "chosen"), prompt),
      rejected: withoutPrompt(readAnswer(fields, "rejected"), prompt),
    };
  },
};

/** {chosen, rejected}: two whole conversations. */
export const conversationalImplicit: DatasetType = {
  requires: ["chosen", "rejected"],
  convert: (fields) =>
    splitConversations(
      withSystem(fields, readMessages(fields.chosen, "chosen")),
      withSystem(fields, readMessages(fields.rejected, "rejected")),
    ),
};

/** {conversations, chosen, rejected}: turns of from/value, an answer a turn; `system` beside. */
export const sharegpt: DatasetType = conversational;

/**
 * {prompt, chosen, rejected}: a text and two lists of turns. Lists that hold the conversation
 * from its start are taken as it; lists of answers alone follow the prompt as a user turn.
 */
export const ultrafeedback: DatasetType = {
  requires: ["prompt", "chosen", "rejected"],
  convert: (fields) => {
    const chosen = readAnswer(fields, "chosen");
    const rejected = readAnswer(fields, "rejected");
    if (chosen[0]?.role !== "assistant" && rejected[0]?.role !== "assistant") {
      return splitConversations(withSystem(fields, chosen), withSystem(fields, rejected));
    }
    const prompt = withSystem(fields, [{ role: "user", content: textField(fields, "prompt") }]);
    return { form: "conversational", prompt, chosen, rejected };
  },
};

/** Puts the `system` field before turns that have no system turn of their own. */
export function withSystem(fields: Fields, turns: Message[]): Message[] {
  const content = optionalText(fields, "system");
  if (content.trim() === "" || turns[0]?.role === "system") return turns;
  return [{ role: "system", content }, ...turns];
}

/**
 * Splits two conversations where they part, so that the prompt ends before an answer.
 *
 * @throws RowFault identicalAnswers, emptyAnswer, emptyPrompt; promptsDiffer where they part before or at a user turn.
 */
export function splitConversations(chosen: Message[], rejected: Message[]): Content {
  if (chosen.length === 0 || rejected.length === 0) throw new RowFault("emptyAnswer");
  let cut = commonTurns(chosen, rejected);
  if (cut === chosen.length && cut === rejected.length) throw new RowFault("identicalAnswers");
  if (chosen[0]!.role === "assistant" && rejected[0]!.role === "assistant") {
    throw new RowFault("emptyPrompt");
  }
  const parted = [chosen[cut], rejected[cut]].filter((turn) => turn !== undefined);
  if (cut === 0 || parted.some((turn) => turn.role !== "assistant" && turn.role !== "tool")) {
    throw new RowFault("promptsDiffer");
  }
  // A turn both answers begin with is theirs, not the prompt's: it is the model that said it.
  while (cut > 0 && chosen[cut - 1]!.role === "assistant") cut--;
  return {
    form: "conversational",
    prompt: chosen.slice(0, cut),
    chosen: chosen.slice(cut),
    rejected: rejected.slice(cut),
  };
}

function readAnswer(fields: Fields, field: Field): Message[] {
  const value = fields[field];
  if (value === undefined) throw new RowFault("missingValue", `"${field}" is missing`);
  if (typeof value === "string") return [{ role: "assistant", content: value }];
  return isObject(value) ? [readMessage(value, field)] : readMessages(value, field);
}

/** Takes the prompt's turns off an answer that repeats them, system turn or no. */
function withoutPrompt(answer: Message[], prompt: readonly Message[]): Message[] {
  const spoken = prompt.filter((turn) => turn.role !== "system");
  for (const start of [prompt, spoken]) {
    const repeats = start.length > 0 && start.length < answer.length &&
      start.every((turn, index) => sameTurn(turn, answer[index]!));
    if (repeats) return answer.slice(start.length);
  }
  return answer;
}
