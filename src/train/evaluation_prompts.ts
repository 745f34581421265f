/**
 * What models are asked in an evaluation: prompts somebody wrote, or those of held-out pairs,
 * evenly spaced, with the data's own answers beside them.
 */

import type { Message } from "../data/pair.ts";
import type { ChatTemplate } from "../text/chat_template.ts";
import { encodePrompt } from "../text/encode_prompt.ts";
import type { TokenizedPair } from "../text/pair.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** A prompt, ready to generate from. */
export interface EvaluationPrompt {
  /** As people read it. */
  text: string;
  /** Ids to generate from, the header of the answer included. */
  ids: number[];
  /** The data's own answers, where the prompt is a held-out pair's. */
  chosen?: string;
  /** The answer the data does not prefer. */
  rejected?: string;
}

/**
 * Makes prompts of texts and conversations; with a template a text is what a user says.
 *
 * @throws {OddsmithError} As `encodePrompt`.
 */
export function writtenPrompts(
  prompts: readonly (string | readonly Message[])[],
  tokenizer: Tokenizer,
  template: ChatTemplate | undefined,
): EvaluationPrompt[] {
  return prompts.map((prompt) => {
    const asChat = typeof prompt === "string" && template !== undefined;
    const asked = asChat ? [{ role: "user", content: prompt }] : prompt;
    const text = typeof prompt === "string"
      ? prompt
      : prompt.map(({ role, content }) => `${role}: ${content}`).join("\n");
    return { text, ids: encodePrompt(tokenizer, asked, { template }) };
  });
}

/** Takes `count` prompts, evenly spaced, from `total` held-out pairs. */
export async function heldOutPrompts(
  pairs: AsyncIterable<TokenizedPair>,
  total: number,
  count: number,
  tokenizer: Tokenizer,
): Promise<EvaluationPrompt[]> {
  const wanted = Math.min(count, total);
  const prompts: EvaluationPrompt[] = [];
  let row = 0;
  for await (const pair of pairs) {
    if (prompts.length === wanted) break;
    if (row++ < Math.floor(prompts.length * total / wanted)) continue;
    const { promptIds, chosenIds, rejectedIds } = pair;
    const text = (ids: number[]) => tokenizer.decode(ids, { skipSpecialTokens: true });
    prompts.push({
      text: text(promptIds),
      ids: promptIds,
      chosen: text(chosenIds),
      rejected: text(rejectedIds),
    });
  }
  return prompts;
}
