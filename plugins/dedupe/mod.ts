/**
 * A stage that removes near-duplicate preference pairs. Held-out pairs come first, so a training
 * pair that nearly repeats one of them goes: the evaluation stays honest.
 */

import { z } from "zod";
import {
  API_VERSION,
  type DatasetDraft,
  defineStage,
  pairText,
  type PreferencePair,
  preferencePairs,
  type Split,
} from "../../mod.ts";
import { NearDuplicateIndex } from "./near_duplicates.ts";
import { shingles, wordsOf } from "./shingles.ts";

/** How many removed pairs the manifest names. */
const EXAMPLES = 5;

const config = z.strictObject({
  threshold: z.number().gt(0).max(1).default(0.8).describe(
    "Similarity (Jaccard, of word shingles) from which two pairs are duplicates; 1: only pairs " +
      "that are equal but for case, punctuation and spacing.",
  ),
  shingleWords: z.int().min(1).max(10).default(3).describe(
    "Words in a row that make a shingle: fewer find looser likenesses.",
  ),
  compare: z.enum(["pair", "prompt"]).default("pair").describe(
    '"pair": prompt and both answers; "prompt": the prompt alone, so one pair a prompt is kept.',
  ),
});

type Config = z.output<typeof config>;

/** Removes near-duplicate pairs. */
export default defineStage({
  apiVersion: API_VERSION,
  name: "dedupe",
  version: "1",
  summary: "Removes near-duplicate pairs, and training pairs that nearly repeat a held-out one.",
  inputs: { pairs: preferencePairs },
  outputs: { pairs: preferencePairs },
  config,
  async run(ctx) {
    const pairs = await ctx.inputs.pairs.read();
    const total = pairs.counts.train + pairs.counts.eval;
    const counts = { kept: 0, dropped: { train: 0, eval: 0 }, leaked: 0 };
    const examples: { id: string; like: string; similarity: number }[] = [];
    const index = new NearDuplicateIndex(ctx.config.threshold);
    const heldOut = new Set<string>();

    async function* kept(): AsyncGenerator<{ split: Split; row: PreferencePair }> {
      let done = 0;
      for (const split of ["eval", "train"] as const) {
        for await (const row of pairs.rows(split)) {
          ctx.signal.throwIfAborted();
          ctx.report({ unit: "pairs", done: ++done, total });
          const like = index.findOrAdd(row.id, fingerprint(row, ctx.config));
          if (!like) {
            counts.kept++;
            if (split === "eval") heldOut.add(row.id);
            yield { split, row };
            continue;
          }
          counts.dropped[split]++;
          if (split === "train" && heldOut.has(like.id)) counts.leaked++;
          if (examples.length < EXAMPLES) {
            const similarity = Number(like.similarity.toFixed(4));
            examples.push({ id: row.id, like: like.id, similarity });
          }
        }
      }
      ctx.record({ ...counts, examples });
      const { train, eval: evaluation } = counts.dropped;
      ctx.log(`kept ${counts.kept} of ${total} pairs; removed ${train} train, ${evaluation} eval`);
    }

    const draft: DatasetDraft<PreferencePair> = {
      rows: kept(),
      stats: () => ({ ...pairs.stats, dedupe: { ...counts } }),
    };
    return { pairs: draft };
  },
});

function fingerprint(pair: PreferencePair, { compare, shingleWords }: Config): Uint32Array {
  const parts = compare === "prompt" ? [pair.prompt] : [pair.prompt, pair.chosen, pair.rejected];
  return shingles(parts.flatMap((part) => wordsOf(pairText(part))), shingleWords);
}
