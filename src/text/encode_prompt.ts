/** Turns what a user asks of a model, a text or a conversation, into the ids to generate from. */

import type { Message } from "../data/pair.ts";
import { ChatTemplate } from "./chat_template.ts";
import { templateMissing } from "./errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** How a prompt is written. */
export interface EncodePromptOptions {
  /** For conversations. Default: the model's own template. */
  template?: ChatTemplate;
}

/**
 * Gives a prompt's ids, with BOS once where the model has one; a conversation is written by the chat
 * template, with the header of the answer to come.
 *
 * @throws TextError TEMPLATE_MISSING for a conversation where there is no template.
 */
export function encodePrompt(
  tokenizer: Tokenizer,
  prompt: string | readonly Message[],
  options: EncodePromptOptions = {},
): number[] {
  const text = typeof prompt === "string" ? prompt : writePrompt(tokenizer, prompt, options);
  const ids = tokenizer.encode(text);
  const { bosTokenId, addBos } = tokenizer;
  const wanted = addBos || ids.length === 0;
  return wanted && bosTokenId !== undefined && ids[0] !== bosTokenId ? [bosTokenId, ...ids] : ids;
}

function writePrompt(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  options: EncodePromptOptions,
): string {
  const own = tokenizer.chatTemplate;
  const template = options.template ??
    (own === undefined ? undefined : new ChatTemplate("model", own));
  if (template === undefined) throw templateMissing("the prompt");
  return template.render(messages, {
    specialTokens: tokenizer.specialTokens,
    addGenerationPrompt: true,
  });
}
