/**
 * Reads the files of a Hugging Face folder that say how text becomes tokens: tokenizer.json,
 * tokenizer_config.json, special_tokens_map.json, generation_config.json, config.json and the chat
 * templates. Only tokenizer.json must be there.
 */

import { join } from "@std/path";
import type { Json, JsonObject } from "../base/json.ts";
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

/**
 * Reads a folder's tokenizer files.
 *
 * @throws TextError TOKENIZER_MISSING without tokenizer.json; TOKENIZER_INVALID for bad JSON or a
 * file that holds no tokenizer.
 */
export async function readTokenizerFiles(dir: string): Promise<TokenizerFiles> {
  const file = join(dir, "tokenizer.json");
  const tokenizer = await readJsonObject(file);
  if (tokenizer === undefined) throw tokenizerMissing(file);
  if (tokenizer.model === null || typeof tokenizer.model !== "object") {
    throw tokenizerInvalid(file, 'it has no "model"');
  }
  const optional = async (name: string) => await readJsonObject(join(dir, name)) ?? {};
  const config = {
    ...await optional("special_tokens_map.json"),
    ...await optional("tokenizer_config.json"),
  };
  return {
    file,
    tokenizer,
    config,
    generationConfig: await optional("generation_config.json"),
    modelConfig: await optional("config.json"),
    chatTemplates: await readChatTemplates(dir, config.chat_template),
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

/** The templates of tokenizer_config.json, and the files that newer folders keep them in. */
async function readChatTemplates(
  dir: string,
  configured: Json | undefined,
): Promise<Map<string, string>> {
  const templates = new Map<string, string>();
  if (typeof configured === "string") templates.set("default", configured);
  if (Array.isArray(configured)) {
    for (const entry of configured) {
      if (entry === null || typeof entry !== "object" || Array.isArray(entry)) continue;
      const { name, template } = entry;
      if (typeof name === "string" && typeof template === "string") templates.set(name, template);
    }
  }
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
    return await Deno.readTextFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw tokenizerInvalid(file, "the file cannot be read", error);
  }
}

async function readJsonObject(file: string): Promise<JsonObject | undefined> {
  const text = await readOptional(file);
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Json;
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value;
  } catch (error) {
    throw tokenizerInvalid(file, `bad JSON: ${(error as Error).message}`, error);
  }
  throw tokenizerInvalid(file, "the file is no JSON object");
}
