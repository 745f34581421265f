/** The files of a Hugging Face model folder: which there may be, and the JSON ones as objects. */

import { join } from "@std/path";
import { readStrictText } from "../../base/strict_text.ts";
import { INDEX_FILE, weightFiles } from "../../weights/safetensors.ts";
import { badJson, noModel } from "../errors.ts";
import type { ConfigSource } from "../parse_config.ts";

/** Everything but the weights that belongs to a model; what training does not change. */
const SIDE_FILES = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "tokenizer.model",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "chat_template.jinja",
  "chat_template.json",
];

/** Whether a file of this name belongs to a model, weights aside. */
export function isSideFile(name: string): boolean {
  return SIDE_FILES.includes(name);
}

/** Paths of the side files that a folder has. @throws {OddsmithError} ModelError NO_MODEL. */
export async function sideFiles(dir: string): Promise<string[]> {
  const paths: string[] = [];
  for (const name of SIDE_FILES) {
    const path = join(dir, name);
    if (await isFile(path)) paths.push(path);
    else if (name === "config.json") throw noModel(dir);
  }
  return paths;
}

/**
 * Paths of everything that makes up a model folder, weights and their index included.
 *
 * @throws {OddsmithError} ModelError NO_MODEL; WeightsError NO_WEIGHTS, MISSING_SHARD, BAD_INDEX.
 */
export async function modelFiles(dir: string): Promise<string[]> {
  const paths = [...await sideFiles(dir), ...await weightFiles(dir)];
  const index = join(dir, INDEX_FILE);
  if (await isFile(index)) paths.push(index);
  return paths;
}

/** Reads a JSON file of the folder; undefined where it is absent. @throws BAD_JSON. */
export async function readJson(dir: string, name: string): Promise<ConfigSource | undefined> {
  const file = join(dir, name);
  if (!await isFile(file)) return undefined;
  return { file, json: await readJsonObject(file) };
}

/** Reads a JSON file that must hold an object. @throws {OddsmithError} ModelError BAD_JSON. */
export async function readJsonObject(file: string): Promise<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(await readStrictText(file));
  } catch (cause) {
    throw badJson(file, cause);
  }
  if (typeof json === "object" && json !== null && !Array.isArray(json)) {
    return json as Record<string, unknown>;
  }
  throw badJson(file, new Error("the file is no JSON object"));
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}
