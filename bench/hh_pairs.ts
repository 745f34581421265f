/**
 * Real preference pairs for benchmarks: the first of HH-RLHF's harmless-base test split, read,
 * templated and tokenized as a pipeline would. Their text is harmful: only lengths are ever shown.
 */

import { fromFileUrl, join } from "@std/path";
import { findFiles } from "../src/data/source_files.ts";
import { Ingest } from "../src/data/ingest.ts";
import { chooseTemplate } from "../src/text/choose_template.ts";
import { encodePair } from "../src/text/encode_pair.ts";
import { planEncoding } from "../src/text/encoding_plan.ts";
import { templatePair } from "../src/text/template_pair.ts";
import { loadTokenizer } from "../src/text/tokenizer.ts";
import type { PairTokens } from "../src/train/batch.ts";

const DATA = fromFileUrl(new URL("../../shared/data", import.meta.url));
const SOURCE = join(DATA, "preference/hh-rlhf-harmless-base-test/test.jsonl.gz");
const TOKENIZER = join(DATA, "tokenizers/smollm-135m");

/** Tells why there are no pairs to be had; undefined where there are. */
export async function missingPairs(): Promise<string | undefined> {
  const found = await Deno.stat(SOURCE).then(() => true, () => false);
  return found ? undefined : "there is no ../shared/data with HH-RLHF's pairs";
}

/**
 * Gives the first `count` pairs of at most `maxLength` tokens a sequence, by SmolLM's tokenizer.
 *
 * @param vocabSize Ids are folded into it, for models with a smaller vocabulary.
 */
export async function hhPairs(
  count: number,
  maxLength: number,
  vocabSize: number = Infinity,
): Promise<PairTokens[]> {
  const tokenizer = await loadTokenizer(TOKENIZER);
  const template = await chooseTemplate("plain", tokenizer, (path) => path);
  const plan = planEncoding(tokenizer, { maxLength });
  const fold = (ids: number[]) => ids.map((id) => id % vocabSize);
  const pairs: PairTokens[] = [];
  for await (const { row } of readPairs(SOURCE)) {
    const render = { specialTokens: tokenizer.specialTokens };
    const encoded = encodePair(tokenizer, templatePair(row, { template, render }).pair, plan);
    if ("dropped" in encoded) continue;
    const { id, promptIds, chosenIds, rejectedIds } = encoded.pair;
    pairs.push({
      id,
      promptIds: fold(promptIds),
      chosenIds: fold(chosenIds),
      rejectedIds: fold(rejectedIds),
    });
    if (pairs.length === count) break;
  }
  return pairs;
}

/** Gives every pair of a file of preference data. */
export async function* readPairs(path: string): ReturnType<Ingest["pairs"]> {
  const files = await findFiles(path, undefined, { resolvePath: (path) => path });
  yield* new Ingest({
    sources: [{ files, weight: 1 }],
    evalSources: [],
    evalFraction: 0,
    splitSalt: "",
    onBadRow: "drop",
    onLeakage: "keep",
  }).pairs();
}
