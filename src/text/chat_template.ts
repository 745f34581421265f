/**
 * Chat templates: Jinja that writes a conversation as the text a model was trained to read. Renders
 * with the settings and the globals transformers gives its templates. It chooses no template and
 * splits no pair.
 */

import { OddsmithError } from "../base/error.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Message } from "../data/pair.ts";
import { templateRaised, templateRender, templateSyntax } from "./errors.ts";
import { renderStatements } from "./jinja/evaluate.ts";
import { GLOBALS } from "./jinja/globals.ts";
import type { Statement } from "./jinja/nodes.ts";
import { parseTemplate } from "./jinja/parse.ts";
import { Scope } from "./jinja/scope.ts";
import { toValue } from "./jinja/values.ts";
import { str } from "./jinja/write.ts";
import { strftime } from "./strftime.ts";

/** What a rendering depends on beside template and messages. */
export interface RenderOptions {
  /** Whether the text ends with the header of the answer to come. Default false. */
  addGenerationPrompt?: boolean;
  /** bos_token, eos_token and the like, as the template's variables. */
  specialTokens?: Readonly<Record<string, string>>;
  /** The tools that the model may call, as JSON schemas. Default: the variable "tools", or none. */
  tools?: readonly JsonObject[];
  /** More variables, e.g. enable_thinking; they win over special tokens. */
  variables?: Readonly<Record<string, Json>>;
  /** What strftime_now prints. Default: now. */
  date?: Date;
  /** The row, "file:row", for errors. */
  source?: string;
}

/** Characters of a rendered conversation, at most; a template can ask for any number. */
const LONGEST_TEXT = 1 << 26;

/**
 * A parsed chat template.
 *
 * @example
 * ```ts
 * import { ChatTemplate } from "./chat_template.ts";
 * const template = new ChatTemplate("mine", "{% for m in messages %}{{ m.content }}{% endfor %}");
 * console.assert(template.render([{ role: "user", content: "Hi" }]) === "Hi");
 * ```
 */
export class ChatTemplate {
  /** What messages call it. */
  readonly name: string;
  /** The Jinja. */
  readonly source: string;
  readonly #program: readonly Statement[];

  /**
   * Parses a template.
   *
   * @throws TextError TEMPLATE_SYNTAX
   */
  constructor(name: string, source: string) {
    this.name = name;
    this.source = source;
    try {
      this.#program = parseTemplate(source);
    } catch (cause) {
      throw templateSyntax(name, cause);
    }
  }

  /**
   * Renders a conversation.
   *
   * @throws TextError TEMPLATE_RAISED where the template calls raise_exception; TEMPLATE_RENDER
   * where it fails otherwise.
   */
  render(messages: readonly Message[], options: RenderOptions = {}): string {
    const { source, date } = options;
    const scope = new Scope(GLOBALS);
    scope.set("raise_exception", ([message = null]) => {
      throw templateRaised(this.name, str(message), source);
    });
    scope.set("strftime_now", ([format = null]) => strftime(date ?? new Date(), str(format)));
    const data = {
      tools: null,
      documents: null,
      ...options.specialTokens,
      ...options.variables,
      ...(options.tools && { tools: options.tools }),
      messages: messages.map(asTransformersPasses),
      add_generation_prompt: options.addGenerationPrompt ?? false,
    };
    for (const [name, value] of Object.entries(data)) scope.set(name, toValue(value));
    try {
      const text = renderStatements(this.#program, scope);
      if (text.length > LONGEST_TEXT) throw new RangeError("the text is too long");
      return text;
    } catch (error) {
      if (error instanceof OddsmithError) throw error;
      throw templateRender(this.name, error, source);
    }
  }
}

/**
 * A message as transformers hands it to templates: keys without a value are left out, and reasoning
 * is under the names that templates read.
 */
function asTransformersPasses(message: Message): Record<string, unknown> {
  const given = Object.entries(message).filter(([, value]) =>
    value !== null && value !== undefined
  );
  const fields: Record<string, unknown> = Object.fromEntries(given);
  const reasoning = fields.reasoning_content ?? fields.thinking ?? fields.reasoning;
  if (reasoning === undefined) return fields;
  return { thinking: reasoning, ...fields, reasoning_content: reasoning };
}
