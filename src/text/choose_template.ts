/**
 * Finds the chat template that an option asks for: the model's, one of ours, a file's, one written
 * in the pipeline, or none.
 */

import { ChatTemplate } from "./chat_template.ts";
import { templateUnknown, templateUnreadable } from "./errors.ts";
import { NAMED_TEMPLATES } from "./templates.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * Which template: "model" (the model's default, where it has one), "none", a name of
 * `NAMED_TEMPLATES`, one of the model's by name, a Jinja file, or the Jinja itself.
 */
export type TemplateChoice =
  | string
  | { model: string }
  | { file: string }
  | { inline: string };

/**
 * Gives the chosen template, or undefined for "none" and for "model" where the model has none.
 *
 * @throws TextError TEMPLATE_UNKNOWN, TEMPLATE_FILE, TEMPLATE_SYNTAX.
 */
export async function chooseTemplate(
  choice: TemplateChoice,
  tokenizer: Pick<Tokenizer, "chatTemplates"> | undefined,
  resolvePath: (path: string) => string,
): Promise<ChatTemplate | undefined> {
  if (choice === "none") return undefined;
  if (choice === "model") {
    const source = tokenizer?.chatTemplates.get("default");
    return source === undefined ? undefined : new ChatTemplate("model", source);
  }
  if (typeof choice === "string") {
    const source = NAMED_TEMPLATES[choice];
    if (source === undefined) {
      throw templateUnknown(choice, ["model", "none", ...Object.keys(NAMED_TEMPLATES)]);
    }
    return new ChatTemplate(choice, source);
  }
  if ("inline" in choice) return new ChatTemplate("inline", choice.inline);
  if ("model" in choice) {
    const source = tokenizer?.chatTemplates.get(choice.model);
    if (source === undefined) {
      throw templateUnknown(choice.model, [...tokenizer?.chatTemplates.keys() ?? []]);
    }
    return new ChatTemplate(`model:${choice.model}`, source);
  }
  const file = resolvePath(choice.file);
  return new ChatTemplate(choice.file, await readTemplateFile(file));
}

/**
 * Reads a template's file.
 *
 * @throws TextError TEMPLATE_FILE
 */
export async function readTemplateFile(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (cause) {
    throw templateUnreadable(file, cause);
  }
}
