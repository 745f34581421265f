/**
 * Writes a preference pair as the text the model will see. Invariant: prompt + chosen and prompt +
 * rejected are, to the letter, what the chat template makes of the two conversations (or, without a
 * template, the two texts themselves), and both answers have the same prompt.
 */

import type { ConversationalPair, Message, PreferencePair, StandardPair } from "../data/pair.ts";
import type { ChatTemplate, RenderOptions } from "./chat_template.ts";
import { conversationEmpty, templateBoundary, templateMissing } from "./errors.ts";
import type { TemplatedPair } from "./pair.ts";

/** How pairs are written. */
export interface TemplateOptions {
  /** Undefined: standard pairs stay as they are, conversational ones are an error. */
  template?: ChatTemplate;
  /**
   * "chat" writes a standard pair as a user turn and an assistant turn, "text" leaves it alone;
   * "auto" (default) is "chat" where there is a template.
   */
  standardAs?: "auto" | "text" | "chat";
  /** A system message for conversations that do not start with one. */
  systemPrompt?: string;
  /** Whether the answer's header belongs to the prompt. Default true. */
  addGenerationPrompt?: boolean;
  /** The template's variables and date. */
  render?: Pick<RenderOptions, "specialTokens" | "variables" | "date">;
}

/** What was done to a pair beside writing it. */
export interface TemplatingNotes {
  /** A system message was put in front. */
  systemPromptAdded: boolean;
  /**
   * The text that asks for an answer is no beginning of the text that has one, and the prompt ends
   * where the two part.
   */
  promptShortened: boolean;
}

/**
 * Writes one pair.
 *
 * The prompt is the template's rendering of the prompt's messages with the generation prompt; an
 * answer is what the template adds to that. Where a template writes more into the generation prompt
 * than into a finished answer (an opening thinking tag, say), prompt and answer part at the last
 * character that all three renderings share.
 *
 * @throws TextError TEMPLATE_MISSING for a conversation without a template; TEMPLATE_EMPTY for one
 * without messages; TEMPLATE_BOUNDARY where the template writes the prompt's messages otherwise once
 * an answer follows; TEMPLATE_RENDER and TEMPLATE_RAISED.
 */
export function templatePair(
  pair: PreferencePair,
  options: TemplateOptions,
): { pair: TemplatedPair; notes: TemplatingNotes } {
  const { template } = options;
  if (pair.form === "standard") {
    const asChat = template !== undefined && options.standardAs !== "text";
    if (!asChat) return { pair: asText(pair), notes: NOTHING_DONE };
    return writeConversation(asConversation(pair), template, options);
  }
  if (template === undefined) throw templateMissing(pair.source);
  return writeConversation(pair, template, options);
}

const NOTHING_DONE: TemplatingNotes = { systemPromptAdded: false, promptShortened: false };

function asText({ id, source, prompt, chosen, rejected }: StandardPair): TemplatedPair {
  return { id, source, prompt, chosen, rejected, templated: false };
}

function asConversation(pair: StandardPair): ConversationalPair {
  const turn = (role: string, content: string): Message[] => [{ role, content }];
  return {
    id: pair.id,
    source: pair.source,
    form: "conversational",
    prompt: turn("user", pair.prompt),
    chosen: turn("assistant", pair.chosen),
    rejected: turn("assistant", pair.rejected),
    tools: pair.tools,
  };
}

function writeConversation(
  pair: ConversationalPair,
  template: ChatTemplate,
  options: TemplateOptions,
): { pair: TemplatedPair; notes: TemplatingNotes } {
  const { id, source, tools } = pair;
  for (const side of ["prompt", "chosen", "rejected"] as const) {
    if (pair[side].length === 0) throw conversationEmpty(source, side);
  }
  const { prompt, systemPromptAdded } = withSystemPrompt(pair.prompt, options.systemPrompt);
  const render = (messages: Message[], addGenerationPrompt: boolean) =>
    template.render(messages, { ...options.render, tools, source, addGenerationPrompt });

  const asked = render(prompt, options.addGenerationPrompt ?? true);
  const chosen = render([...prompt, ...pair.chosen], false);
  const rejected = render([...prompt, ...pair.rejected], false);
  let at = asked.length;
  if (!chosen.startsWith(asked) || !rejected.startsWith(asked)) {
    at = sharedLength([asked, chosen, rejected]);
    const messages = asked.slice(0, sharedLength([asked, render(prompt, false)])).trimEnd();
    if (at < messages.length) throw templateBoundary(template.name, source, at);
  }
  return {
    pair: {
      id,
      source,
      prompt: chosen.slice(0, at),
      chosen: chosen.slice(at),
      rejected: rejected.slice(at),
      templated: true,
    },
    notes: { systemPromptAdded, promptShortened: at < asked.length },
  };
}

function withSystemPrompt(
  prompt: Message[],
  systemPrompt: string | undefined,
): { prompt: Message[]; systemPromptAdded: boolean } {
  if (systemPrompt === undefined || prompt[0]!.role === "system") {
    return { prompt, systemPromptAdded: false };
  }
  return {
    prompt: [{ role: "system", content: systemPrompt }, ...prompt],
    systemPromptAdded: true,
  };
}

/** How many leading characters (UTF-16 units) all texts share; no surrogate pair is cut. */
function sharedLength(texts: readonly string[]): number {
  const [first, ...others] = texts as [string, ...string[]];
  let at = 0;
  while (at < first.length && others.every((text) => text[at] === first[at])) at++;
  const inPair = /[\uD800-\uDBFF]/.test(first.slice(at - 1, at)) && at > 0;
  return inPair ? at - 1 : at;
}
