/**
 * Reads the files of a Hugging Face folder that say how text becomes tokens: tokenizer.json,
 * tokenizer_config.json, special_tokens_map.json, generation_config.json, config.json and the chat
 * templates. Only tokenizer.json must be there. Their texts may also be at hand without a folder.
 */

import { join } from "@std/path";
import type { Json, JsonObject } from "../base/json.ts";
import { readStrictText } from "../base/strict_text.ts";
import { settingsFault } from "./check_settings.ts";
import { templateUnreadable, tokenizerInvalid, tokenizerMissing } from "./errors.ts";

/** A tokenizer's files, parsed; a missing one is an empty object. */
export interface TokenizerFiles {
  /** The path of tokenizer.json, for messages. */
  file: string;
  /** tokenizer.json. */
  tokenizer: JsonObject;
  /** tokenizer_config.json over special_tokens_map.json. */
  config: JsonObject;
  /** generation_config.json. */
  generationConfig: JsonObject;
  /** config.json. */
  modelConfig: JsonObject;
  /** Chat templates by name; the one used unless another is named is "default". */
  chatTemplates: Map<string, string>;
}

const NAMES = [
  "tokenizer.json",
  "special_tokens_map.json",
  "tokenizer_config.json",
  "generation_config.json",
  "config.json",
] as const;

/**
 * Reads a folder's tokenizer files.
 *
 * @throws TextError TOKENIZER_MISSING without tokenizer.json; TOKENIZER_INVALID for bad JSON or a
 * file that holds no tokenizer.
 */
export async function readTokenizerFiles(dir: string): Promise<TokenizerFiles> {
  const texts: Record<string, string> = {};
  for (const name of NAMES) {
    const text = await readOptional(join(dir, name));
    if (text !== undefined) texts[name] = text;
  }
  const files = parseTokenizerFiles((name) => join(dir, name), texts);
  for (const [name, text] of await templateFiles(dir)) files.chatTemplates.set(name, text);
  return files;
}

/**
 * Parses tokenizer files whose texts are at hand, by their names in a folder.
 *
 * @param place Where a file of that name is, for messages.
 * @throws As `readTokenizerFiles`.
 */
export function parseTokenizerFiles(
  place: (name: string) => string,
  texts: Readonly<Record<string, string>>,
): TokenizerFiles {
  const file = place("tokenizer.json");
  const parse = (name: typeof NAMES[number]) => parseObject(place(name), texts[name]);
  const tokenizer = parse("tokenizer.json");
  if (tokenizer === undefined) throw tokenizerMissing(file);
  if (tokenizer.model === null || typeof tokenizer.model !== "object") {
    throw tokenizerInvalid(file, 'it has no "model"');
  }
  const config = { ...parse("special_tokens_map.json"), ...parse("tokenizer_config.json") };
  const settings = {
    config,
    generationConfig: parse("generation_config.json") ?? {},
    modelConfig: parse("config.json") ?? {},
  };
  const fault = settingsFault(settings);
  if (fault) throw tokenizerInvalid(place(fault.file), fault.reason);
  return {
    file,
    tokenizer,
    ...settings,
    chatTemplates: configuredTemplates(place("tokenizer_config.json"), config.chat_template),
  };
}

/** Gives the text of a special token, which files write as a string or as an object. */
export function specialTokenText(value: Json | undefined): string | undefined {
  if (typeof value === "string") return value;
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    return typeof value.content === "string" ? value.content : undefined;
  }
  return undefined;
}

/** The templates of tokenizer_config.json: one, or a list of them with names. */
function configuredTemplates(file: string, configured: Json | undefined): Map<string, string> {
  const templates = new Map<string, string>();
  if (typeof configured === "string") return templates.set("default", configured);
  const list = configured ?? [];
  const wrong = () =>
    tokenizerInvalid(file, 'its "chat_template" is neither text nor a list of { name, template }');
  if (!Array.isArray(list)) throw wrong();
  for (const entry of list) {
    const { name, template } = (entry ?? {}) as JsonObject;
    if (typeof name !== "string" || typeof template !== "string") throw wrong();
    templates.set(name, template);
  }
  return templates;
}

/** The templates of the files that newer folders keep them in. */
async function templateFiles(dir: string): Promise<Map<string, string>> {
  const templates = new Map<string, string>();
  const main = await readOptional(join(dir, "chat_template.jinja"));
  if (main !== undefined) templates.set("default", main);
  const more = join(dir, "additional_chat_templates");
  for (const name of await templateNames(more)) {
    const text = await readOptional(join(more, `${name}.jinja`));
    if (text !== undefined) templates.set(name, text);
  }
  return templates;
}

async function templateNames(dir: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(dir)) {
      if (entry.name.endsWith(".jinja")) names.push(entry.name.slice(0, -".jinja".length));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw templateUnreadable(dir, error);
  }
  return names.sort();
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readStrictText(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw tokenizerInvalid(file, `the file cannot be read: ${(error as Error).message}`, error);
  }
}

function parseObject(file: string, text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Json;
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value;
  } catch (error) {
    throw tokenizerInvalid(file, `bad JSON: ${(error as Error).message}`, error);
  }
  throw tokenizerInvalid(file, "the file is no JSON object");
}
