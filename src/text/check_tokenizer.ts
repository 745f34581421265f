/**
 * Checks that a tokenizer.json is what Hugging Face's Rust library takes, before the library here
 * builds of it: that one believes what it reads, and fails at the first text, or never.
 */

import { z } from "zod";
import type { JsonObject } from "../base/json.ts";

/** Beyond every vocabulary there is; a table of so many tokens is still made in no time. */
const LARGEST_ID = 2 ** 24;

const id = z.int().min(0).max(LARGEST_ID);
const flag = z.boolean().nullish();
const text = z.string().nullish();
const pattern = z.union([z.object({ String: z.string() }), z.object({ Regex: z.string() })]);

/** What parts of all four kinds may have, by the names that they share. */
const fields = {
  type: z.string(),
  pattern: pattern.optional(),
  content: z.union([z.string(), z.literal(0)]).optional(),
  prepend: z.string().optional(),
  replacement: text,
  str_rep: text,
  prepend_scheme: z.enum(["always", "first", "never"]).nullish(),
  add_prefix_space: flag,
  trim_offsets: flag,
  use_regex: flag,
  individual_digits: flag,
  invert: flag,
  behavior: text,
  length: z.int().min(1).max(LARGEST_ID).optional(),
  clean_text: flag,
  handle_chinese_chars: flag,
  lowercase: flag,
  strip_accents: flag,
  strip_left: flag,
  strip_right: flag,
  prefix: text,
  suffix: text,
  cleanup: flag,
  pad_token: text,
  word_delimiter_token: text,
  start: id.optional(),
  stop: id.optional(),
};

/** Fields that a part cannot do without. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  Replace: ["pattern", "content"],
  Split: ["pattern"],
  Prepend: ["prepend"],
  FixedLength: ["length"],
};

/** Where a sequence keeps its parts, by what it is a sequence of. */
const CHILDREN = ["normalizers", "pretokenizers", "decoders", "processors"] as const;

const part = z.looseObject({
  ...fields,
  get normalizers() {
    return parts;
  },
  get pretokenizers() {
    return parts;
  },
  get decoders() {
    return parts;
  },
  get processors() {
    return parts;
  },
}).superRefine((value, context) => {
  const isFull = value.type !== "Sequence" || CHILDREN.some((name) => value[name] !== undefined);
  const needed = isFull ? NEEDED[value.type] ?? [] : ["parts"];
  for (const name of needed) {
    if (Object.hasOwn(value, name)) continue;
    context.addIssue({ code: "custom", path: [name], message: "it is missing" });
  }
});

const parts: z.ZodOptional<z.ZodArray<z.ZodType>> = z.array(z.lazy((): z.ZodType => part))
  .optional();

const pieces = z.array(z.union([
  z.strictObject({ SpecialToken: z.looseObject({ id: z.string() }) }),
  z.strictObject({ Sequence: z.looseObject({ id: z.enum(["A", "B"]) }) }),
]));

const tokenAndId = z.tuple([z.string(), id]);

const postProcessor = part.and(z.looseObject({
  single: pieces.optional(),
  pair: pieces.optional(),
  cls: tokenAndId.optional(),
  sep: tokenAndId.optional(),
  special_tokens: z.record(z.string(), z.looseObject({ ids: z.array(id) })).optional(),
}));

const schema = z.looseObject({
  added_tokens: z.array(z.looseObject({
    id,
    content: z.string(),
    single_word: flag,
    lstrip: flag,
    rstrip: flag,
    normalized: flag,
    special: flag,
  })).nullish(),
  normalizer: part.nullish(),
  pre_tokenizer: part.nullish(),
  post_processor: postProcessor.nullish(),
  decoder: part.nullish(),
  model: z.looseObject({
    type: z.string().nullish(),
    unk_token: text,
    unk_id: id.nullish(),
    continuing_subword_prefix: text,
    end_of_word_suffix: text,
    continuing_subword_suffix: text,
    fuse_unk: flag,
    byte_fallback: flag,
    ignore_merges: flag,
    max_input_chars_per_word: id.nullish(),
  }),
});

/** Says what is wrong with a tokenizer.json; undefined where nothing is. */
export function tokenizerFault(json: JsonObject): string | undefined {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    return `"${path.join(".")}": ${message}`;
  }
  const model = json.model as JsonObject;
  const { vocab } = model;
  if (typeof vocab !== "object" || vocab === null) return "it has no vocabulary";
  const ids = new Map(
    Array.isArray(vocab)
      ? vocab.map((entry, at) => [Array.isArray(entry) ? entry[0] : undefined, at] as const)
      : Object.entries(vocab),
  );
  return vocabFault(model, ids) ?? mergesFault(model) ?? specialsFault(json, ids);
}

/** Ids by token, as the file has them. */
type Ids = Map<unknown, unknown>;

function vocabFault({ vocab, unk_id }: JsonObject, ids: Ids): string | undefined {
  if (Array.isArray(vocab)) {
    const isEntry = (entry: unknown) =>
      Array.isArray(entry) && entry.length === 2 && typeof entry[0] === "string" &&
      Number.isFinite(entry[1]);
    const wrong = vocab.findIndex((entry) => !isEntry(entry));
    if (wrong >= 0) return `entry ${wrong} of its vocabulary is no token with a score`;
    const isKnown = typeof unk_id !== "number" || unk_id < vocab.length;
    return isKnown ? undefined : `its "unk_id", ${unk_id}, is beyond its vocabulary`;
  }
  const taken = new Set<unknown>();
  for (const [token, value] of ids) {
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > LARGEST_ID) {
      return `the id of the token ${JSON.stringify(token)} is ${JSON.stringify(value)}`;
    }
    if (taken.size === taken.add(value).size) return `two tokens have the id ${value}`;
  }
  return undefined;
}

/** Whether merges are of tokens is seen where they are put to use. */
function mergesFault({ merges, type }: JsonObject): string | undefined {
  if (merges === undefined && type !== "BPE") return undefined;
  if (!Array.isArray(merges)) return 'its "merges" are no list';
  const isPair = Array.isArray(merges[0])
    ? (merge: unknown) =>
      Array.isArray(merge) && merge.length === 2 && merge.every((one) => typeof one === "string")
    : (merge: unknown) => typeof merge === "string" && /^[^ ]+ [^ ]+$/.test(merge);
  const wrong = merges.findIndex((merge) => !isPair(merge));
  return wrong < 0 ? undefined : `merge ${wrong} is no pair of tokens`;
}

/** What the post-processor puts around a text must be tokens, under the ids that it says. */
function specialsFault(json: JsonObject, ids: Ids): string | undefined {
  const added = new Map<unknown, unknown>(
    ((json.added_tokens ?? []) as JsonObject[]).map(({ content, id }) => [content, id]),
  );
  const idOf = (token: string) => added.get(token) ?? ids.get(token);
  const visit = (step: JsonObject): string | undefined => {
    for (const inner of (step.processors ?? []) as JsonObject[]) {
      const fault = visit(inner);
      if (fault) return fault;
    }
    if (step.type === "TemplateProcessing") return templateFault(step, idOf);
    if (step.type !== "BertProcessing" && step.type !== "RobertaProcessing") return undefined;
    for (const name of ["cls", "sep"]) {
      if (step[name] === undefined) return `"post_processor.${name}": it is missing`;
      const [token, wanted] = step[name] as [string, number];
      if (idOf(token) !== wanted) return otherId(token, wanted);
    }
    return undefined;
  };
  return json.post_processor ? visit(json.post_processor as JsonObject) : undefined;
}

function templateFault(
  { single, special_tokens: specials }: JsonObject,
  idOf: (token: string) => unknown,
): string | undefined {
  if (!Array.isArray(single)) return '"post_processor.single": it is missing';
  for (const piece of single as { SpecialToken?: { id: string } }[]) {
    const token = piece.SpecialToken?.id;
    if (token === undefined) continue;
    const known = (specials ?? {}) as Record<string, { ids: number[] }>;
    const wanted = Object.hasOwn(known, token) ? known[token]!.ids : [];
    if (wanted.length !== 1) return `its post-processor does not tell the id of "${token}"`;
    if (wanted[0] !== idOf(token)) return otherId(token, wanted[0]!);
  }
  return undefined;
}

function otherId(token: string, wanted: number): string {
  return `its post-processor says that "${token}" has id ${wanted}, its vocabulary does not`;
}
