/**
 * Checks what the files beside tokenizer.json say of special tokens and sizes. A wrong value that
 * was passed over would be a token left out, or a text without end.
 */

import type { Json, JsonObject } from "../base/json.ts";
import type { TokenizerFiles } from "./tokenizer_files.ts";

type Check = readonly [wanted: string, fits: (value: Json) => boolean];

const isObject = (value: Json): value is JsonObject =>
  value !== null && typeof value === "object" && !Array.isArray(value);
// Older files write -1 for "none".
const isId = (value: Json) => Number.isSafeInteger(value) && (value as number) >= -1;

const TOKEN: Check = [
  "a token's text",
  (value) =>
    typeof value === "string" || value === false ||
    isObject(value) && typeof value.content === "string",
];
const FLAG: Check = ["true or false", (value) => typeof value === "boolean"];
const IDS: Check = [
  "a token id or a list of them",
  (value) => isId(value) || Array.isArray(value) && value.every(isId),
];
const COUNT: Check = [
  "a whole number of 1 or more",
  (value) => Number.isSafeInteger(value) && (value as number) >= 1,
];

const IDS_OF_TOKENS = { bos_token_id: IDS, eos_token_id: IDS, pad_token_id: IDS };

const CHECKS = {
  config: {
    bos_token: TOKEN,
    eos_token: TOKEN,
    pad_token: TOKEN,
    unk_token: TOKEN,
    add_bos_token: FLAG,
    add_eos_token: FLAG,
  },
  generationConfig: IDS_OF_TOKENS,
  modelConfig: {
    ...IDS_OF_TOKENS,
    vocab_size: COUNT,
    max_position_embeddings: COUNT,
    n_positions: COUNT,
  },
} as const satisfies Partial<Record<keyof TokenizerFiles, Record<string, Check>>>;

const FILES = {
  config: "tokenizer_config.json",
  generationConfig: "generation_config.json",
  modelConfig: "config.json",
} as const;

/** The first setting that is not what it should be, with its file's name; null counts as absent. */
export function settingsFault(
  files: Pick<TokenizerFiles, keyof typeof CHECKS>,
): { file: string; reason: string } | undefined {
  for (const part of Object.keys(CHECKS) as (keyof typeof CHECKS)[]) {
    for (const [name, [wanted, fits]] of Object.entries<Check>(CHECKS[part])) {
      const value = files[part][name] ?? null;
      if (value === null || fits(value)) continue;
      const received = JSON.stringify(value).slice(0, 100);
      return { file: FILES[part], reason: `its "${name}" should be ${wanted}, it is ${received}` };
    }
  }
  return undefined;
}
