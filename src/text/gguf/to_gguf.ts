/**
 * Writes a Hugging Face tokenizer as GGUF metadata: byte-level BPE as "gpt2", BPE with byte fallback
 * as "llama" with scores in the merges' order, special tokens, chat templates. A tokenizer whose ids
 * llama.cpp would not give is refused.
 */

import type { JsonObject } from "../../base/json.ts";
import type { GgufField, GgufScalarType } from "../../weights/gguf_types.ts";
import { notInGguf } from "../errors.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer.ts";
import { readTokenizerFiles, type TokenizerFiles } from "../tokenizer_files.ts";
import { preTokenizerOf } from "./pre_tokenizers.ts";
import { type Merge, mergesOf, scoresOf } from "./sentencepiece.ts";
import { TOKEN_TYPE } from "./token_types.ts";

/** A vocabulary as arrays by id. */
interface Vocabulary {
  readonly file: string;
  readonly tokens: string[];
  readonly types: Int32Array;
  readonly merges: readonly Merge[];
  readonly tokenizer: JsonObject;
}

/**
 * Gives the metadata of a folder's tokenizer, by key.
 *
 * @param rows Rows of the model's embedding; ids without a token become unused ones.
 * @throws {OddsmithError} TextError NOT_IN_GGUF, and as `loadTokenizer`.
 */
export async function tokenizerToGguf(dir: string, rows: number): Promise<Map<string, GgufField>> {
  const files = await readTokenizerFiles(dir);
  const tokenizer = await loadTokenizer(dir);
  const vocabulary = readVocabulary(files, rows);
  const byteFallback = (files.tokenizer.model as JsonObject).byte_fallback === true;
  const kind = byteFallback ? sentencePieceFields(vocabulary) : byteLevelFields(vocabulary);
  return new Map([
    ...kind,
    ["tokenizer.ggml.tokens", strings(vocabulary.tokens)],
    ["tokenizer.ggml.token_type", {
      type: "array",
      elementType: "int32",
      value: vocabulary.types,
    }],
    ...specialFields(vocabulary, tokenizer),
    ...templateFields(tokenizer),
  ]);
}

const scalar = (type: GgufScalarType, value: number | string | boolean): GgufField => ({
  type,
  value,
});
const strings = (value: readonly string[]): GgufField => ({
  type: "array",
  elementType: "string",
  value,
});

function readVocabulary({ file, tokenizer }: TokenizerFiles, rows: number): Vocabulary {
  const model = tokenizer.model as JsonObject;
  if (model.type !== "BPE") throw notInGguf(file, `its model is ${model.type}, BPE is written`);
  const tokens = Array.from({ length: rows }, (_, id) => `[PAD${id}]`);
  const types = new Int32Array(rows).fill(TOKEN_TYPE.UNUSED);
  const put = (id: number, token: string, type: number) => {
    if (id >= rows) throw notInGguf(file, `token ${id} is beyond the model's ${rows} embeddings`);
    tokens[id] = token;
    types[id] = type;
  };
  for (const [token, id] of Object.entries(model.vocab as Record<string, number>)) {
    const isByte = model.byte_fallback === true && /^<0x[0-9A-F]{2}>$/.test(token);
    const type = token === model.unk_token ? TOKEN_TYPE.UNKNOWN : TOKEN_TYPE.NORMAL;
    put(id, token, isByte ? TOKEN_TYPE.BYTE : type);
  }
  for (const added of (tokenizer.added_tokens ?? []) as JsonObject[]) {
    const [id, content] = [added.id as number, added.content as string];
    if (content === model.unk_token) continue;
    put(id, content, added.special === true ? TOKEN_TYPE.CONTROL : TOKEN_TYPE.USER_DEFINED);
  }
  const merges = (model.merges as (string | [string, string])[]).map((merge) =>
    typeof merge === "string" ? merge.split(" ") as [string, string] : merge
  );
  return { file, tokens, types, merges, tokenizer };
}

function byteLevelFields({ file, merges, tokenizer }: Vocabulary): [string, GgufField][] {
  const pre = preTokenizerOf(tokenizer);
  if (!pre) {
    const reason = "llama.cpp has no name for its pre-tokenizer and normalizer";
    throw notInGguf(file, reason);
  }
  return [
    ["tokenizer.ggml.model", scalar("string", "gpt2")],
    ["tokenizer.ggml.pre", scalar("string", pre.names[0]!)],
    ["tokenizer.ggml.merges", strings(merges.map((merge) => merge.join(" ")))],
  ];
}

function sentencePieceFields(vocabulary: Vocabulary): [string, GgufField][] {
  const { tokens, types, merges } = vocabulary;
  const scores = scoresOf(merges);
  checkReachable(vocabulary, scores);
  // Characters and the like are in no merge: their score is never looked at.
  const value = Float32Array.from(
    tokens,
    (token, id) => types[id] === TOKEN_TYPE.NORMAL ? scores.get(token) ?? -merges.length : 0,
  );
  return [
    ["tokenizer.ggml.model", scalar("string", "llama")],
    ["tokenizer.ggml.pre", scalar("string", "default")],
    ["tokenizer.ggml.add_space_prefix", scalar("bool", spacePrefix(vocabulary))],
    ["tokenizer.ggml.scores", { type: "array", elementType: "float32", value }],
  ];
}

/** llama.cpp joins whatever gives a token: each such token must be one that a merge makes. */
function checkReachable({ file, tokens, types }: Vocabulary, scores: Map<string, number>): void {
  const pieces = tokens
    .filter((_, id) => types[id] === TOKEN_TYPE.NORMAL || types[id] === TOKEN_TYPE.USER_DEFINED)
    .map((text) => ({ text, score: 0 }));
  const made = new Set(mergesOf(pieces).map(([left, right]) => left + right));
  for (const text of made) {
    if (!scores.has(text)) {
      throw notInGguf(file, `llama.cpp would make the token "${text}", which no merge makes`);
    }
  }
}

/** Whether a text gets a space before it, in the spellings that Llama's and Gemma's files have. */
function spacePrefix({ file, tokenizer }: Vocabulary): boolean {
  const { normalizer, pre_tokenizer: pre } = tokenizer as Record<string, JsonObject | null>;
  const parts = normalizer?.type === "Sequence"
    ? normalizer.normalizers as JsonObject[]
    : [normalizer].filter((part) => part !== null && part !== undefined);
  const unknown = parts.find(({ type, prepend, content, pattern }) =>
    !(type === "Prepend" && prepend === "▁") &&
    !(type === "Replace" && content === "▁" && (pattern as JsonObject).String === " ")
  );
  if (unknown) throw notInGguf(file, `its normalizer has ${unknown.type}`);
  if (pre?.type === "Metaspace" && pre.split === false) {
    return (pre.prepend_scheme ?? "always") !== "never";
  }
  // A cut at spaces that belong to what is before them cuts nothing after the normalizer.
  if (pre && !(pre.type === "Split" && pre.behavior === "MergedWithPrevious")) {
    throw notInGguf(file, `its pre-tokenizer is ${pre.type}`);
  }
  if (!parts.some(({ type }) => type === "Replace")) {
    throw notInGguf(file, "it does not write spaces as ▁");
  }
  return parts.some(({ type }) => type === "Prepend");
}

function specialFields(
  { tokens }: Vocabulary,
  tokenizer: Tokenizer,
): [string, GgufField][] {
  const { unk_token: unknown } = tokenizer.specialTokens;
  const ids: [string, number | undefined][] = [
    ["bos", tokenizer.bosTokenId],
    ["eos", tokenizer.eosTokenId],
    // llama.cpp ends a generation at these too; it has one name for each.
    ...tokenizer.eosTokenIds
      .filter((id) => id !== tokenizer.eosTokenId)
      .slice(0, 2)
      .map((id, i): [string, number] => [["eot", "eom"][i]!, id]),
    ["unknown", unknown === undefined ? undefined : tokenizer.tokenId(unknown)],
    ["padding", tokenizer.padTokenId],
  ];
  const known = ids.filter(([, id]) => id !== undefined && id < tokens.length);
  return [
    ...known.map(([name, id]): [string, GgufField] => [
      `tokenizer.ggml.${name}_token_id`,
      scalar("uint32", id!),
    ]),
    ["tokenizer.ggml.add_bos_token", scalar("bool", tokenizer.addBos)],
    ["tokenizer.ggml.add_eos_token", scalar("bool", tokenizer.addEos)],
  ];
}

function templateFields({ chatTemplates }: Tokenizer): [string, GgufField][] {
  const main = chatTemplates.get("default");
  if (main === undefined) return [];
  const key = "tokenizer.chat_template";
  const others = [...chatTemplates].filter(([name]) => name !== "default");
  const fields: [string, GgufField][] = [[key, scalar("string", main)]];
  if (others.length > 0) {
    fields.push(["tokenizer.chat_templates", strings(others.map(([name]) => name))]);
  }
  for (const [name, text] of others) fields.push([`${key}.${name}`, scalar("string", text)]);
  return fields;
}
