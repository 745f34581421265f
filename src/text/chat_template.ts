/**
 * Chat templates: Jinja that writes a conversation as the text a model was trained to read. Renders
 * with the settings and the globals transformers gives its templates. It chooses no template and
 * splits no pair.
 */

import { Environment, Interpreter, Template } from "@huggingface/jinja";
import { OddsmithError } from "../base/error.ts";
import type { Json } from "../base/json.ts";
import type { Message } from "../data/pair.ts";
import { templateRaised, templateRender, templateSyntax } from "./errors.ts";
import { strftime } from "./strftime.ts";

/** What a rendering depends on beside template and messages. */
export interface RenderOptions {
  /** Whether the text ends with the header of the answer to come. Default false. */
  addGenerationPrompt?: boolean;
  /** bos_token, eos_token and the like, as the template's variables. */
  specialTokens?: Readonly<Record<string, string>>;
  /** More variables, e.g. enable_thinking; they win over special tokens. */
  variables?: Readonly<Record<string, Json>>;
  /** What strftime_now prints. Default: now. */
  date?: Date;
  /** The row, "file:row", for errors. */
  source?: string;
}

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
  readonly #program: Template["parsed"];

  /**
   * Parses a template.
   *
   * @throws TextError TEMPLATE_SYNTAX
   */
  constructor(name: string, source: string) {
    this.name = name;
    this.source = source;
    try {
      this.#program = new Template(source).parsed;
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
    const variables: Record<string, unknown> = {
      ...GLOBALS,
      raise_exception: (message: unknown) => {
        throw templateRaised(this.name, String(message), source);
      },
      strftime_now: (format: unknown) => strftime(date ?? new Date(), String(format)),
      ...options.specialTokens,
      ...options.variables,
      messages,
      add_generation_prompt: options.addGenerationPrompt ?? false,
    };
    const environment = new Environment();
    try {
      for (const [name, value] of Object.entries(variables)) environment.set(name, value);
      return String(new Interpreter(environment).run(this.#program).value);
    } catch (error) {
      if (error instanceof OddsmithError) throw error;
      throw templateRender(this.name, error, source);
    }
  }
}

/** Python's names, which templates use; the library's own set cannot be added to. */
const GLOBALS: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range,
};

function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (step === 0) throw new Error("range() step must not be zero");
  const count = Math.max(0, Math.ceil((to - from) / step));
  return Array.from({ length: count }, (_, at) => from + at * step);
}
