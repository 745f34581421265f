/** The tokenizers that the tests of this folder run on, and a way to say which are missing. */

import { join } from "@std/path";
import { byteTokenizerFiles } from "../../src/text/byte_tokenizer.ts";
import { loadTokenizer, type Tokenizer } from "../../src/text/tokenizer.ts";

const SHARED = "../shared/data";

/** Third parties' tokenizers by the name that the golden files give them. */
export const SHARED_TOKENIZERS: Readonly<Record<string, string>> = {
  "gpt2-hf-json": `${SHARED}/tokenizers/gpt2-hf-json`,
  "llama2-converted": `${SHARED}/tokenizers/llama2-converted`,
  "smollm-135m": `${SHARED}/tokenizers/smollm-135m`,
  minimind: `${SHARED}/tokenizers/minimind`,
  stories260K: `${SHARED}/models/stories260K/hf`,
};

export const VECTORS = `${SHARED}/tokenizers/vectors`;

/** Declares a test that needs a path outside the repository; without it the reason is printed. */
export function testWith(path: string, name: string, run: () => Promise<void> | void): void {
  let there = true;
  try {
    Deno.statSync(path);
  } catch {
    there = false;
    console.log(`skipped: "${name}" needs ${path}`);
  }
  Deno.test({ name, ignore: !there, fn: run });
}

/** Writes a folder of files; a value that is no string is written as JSON. */
export async function folderOf(files: Record<string, unknown>): Promise<string> {
  const dir = await Deno.makeTempDir();
  for (const [name, content] of Object.entries(files)) {
    const path = join(dir, name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, typeof content === "string" ? content : JSON.stringify(content));
  }
  return dir;
}

/** Loads a tokenizer from files, and removes them. */
export async function tokenizerOf(files: Record<string, unknown>): Promise<Tokenizer> {
  const dir = await folderOf(files);
  try {
    return await loadTokenizer(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The byte-level tokenizer, some files changed or added; tokenizer_config.json is merged. */
export async function byteTokenizer(
  config: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
): Promise<Tokenizer> {
  const files = byteTokenizerFiles();
  const merged = { ...JSON.parse(files["tokenizer_config.json"]!), ...config };
  return await tokenizerOf({ ...files, "tokenizer_config.json": merged, ...more });
}

/** Merges over bytes, so that tokens span boundaries drawn inside "abcd" and "def". */
export function mergingTokenizerFiles(): Record<string, unknown> {
  const json = JSON.parse(byteTokenizerFiles()["tokenizer.json"]!);
  json.model.merges = ["a b", "c d", "ab c", "ab cd", "e f", "d ef"];
  ["ab", "cd", "abc", "abcd", "ef", "def"].forEach((token, at) =>
    json.model.vocab[token] = 300 + at
  );
  return { ...byteTokenizerFiles(), "tokenizer.json": json };
}
