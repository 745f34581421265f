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
  /** What the template's functions see of the rendering they are called in. */
  #options: RenderOptions = {};
  #lasting?: { of: RenderOptions; environment: Environment };

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
    this.#options = options;
    try {
      const environment = new Environment(this.#lastingEnvironment(options));
      const variables = {
        ...only(options.variables, (value) => !isPlain(value)),
        messages,
        add_generation_prompt: options.addGenerationPrompt ?? false,
      };
      for (const [name, value] of Object.entries(variables)) environment.set(name, value);
      return String(new Interpreter(environment).run(this.#program).value);
    } catch (error) {
      if (error instanceof OddsmithError) throw error;
      throw templateRender(this.name, error, options.source);
    }
  }

  /**
   * What is the same for every row: declaring it takes longer than a short rendering. Lists and
   * objects are not in it, since a template may change them.
   */
  #lastingEnvironment(options: RenderOptions): Environment {
    const { of, environment } = this.#lasting ?? {};
    const isSame = of?.specialTokens === options.specialTokens &&
      of?.variables === options.variables;
    if (environment !== undefined && isSame) return environment;
    const variables: Record<string, unknown> = {
      ...GLOBALS,
      raise_exception: (message: unknown) => {
        throw templateRaised(this.name, String(message), this.#options.source);
      },
      strftime_now: (format: unknown) => strftime(this.#options.date ?? new Date(), String(format)),
      ...options.specialTokens,
      ...only(options.variables, isPlain),
    };
    const made = new Environment();
    for (const [name, value] of Object.entries(variables)) made.set(name, value);
    this.#lasting = { of: options, environment: made };
    return made;
  }
}

type Variables = NonNullable<RenderOptions["variables"]>;

function only(variables: Variables = {}, isWanted: (value: Json) => boolean): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => isWanted(value)));
}

function isPlain(value: Json): boolean {
  return value === null || typeof value !== "object";
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
