/**
 * A stage that bounds how much longer one answer may be than the other. Preference data often
 * prefers the longer answer; a model trained on it learns length before it learns quality.
 */

import { z } from "zod";
import {
  API_VERSION,
  type DatasetDraft,
  defineStage,
  OddsmithError,
  pairText,
  type PreferencePair,
  preferencePairs,
  type Split,
} from "../../mod.ts";
import { LengthTally } from "./length_tally.ts";

const config = z.strictObject({
  maxRatio: z.number().min(1).default(2).describe(
    "The longer answer's length over the shorter's, at most.",
  ),
  unit: z.enum(["words", "characters"]).default("words").describe(
    'What length is counted in; "characters" suits scripts without spaces.',
  ),
  minLength: z.int().min(0).default(1).describe("Both answers are at least this long."),
  splits: z.enum(["train", "both"]).default("train").describe(
    '"train": the held-out pairs stay as they are; "both": they are filtered too.',
  ),
});

type Config = z.output<typeof config>;

/** Removes pairs whose answers differ too much in length. */
export default defineStage({
  apiVersion: API_VERSION,
  name: "length_filter",
  version: "1",
  summary: "Removes pairs whose chosen and rejected answers differ too much in length.",
  inputs: { pairs: preferencePairs },
  outputs: { pairs: preferencePairs },
  config,
  async run(ctx) {
    const pairs = await ctx.inputs.pairs.read();
    const total = pairs.counts.train + pairs.counts.eval;
    const before = new LengthTally();
    const after = new LengthTally();
    const facts = () => ({ before: before.summary(), after: after.summary() });

    async function* kept(): AsyncGenerator<{ split: Split; row: PreferencePair }> {
      let done = 0;
      for (const split of ["train", "eval"] as const) {
        const filters = split === "train" || ctx.config.splits === "both";
        for await (const row of pairs.rows(split)) {
          ctx.signal.throwIfAborted();
          ctx.report({ unit: "pairs", done: ++done, total });
          const lengths = answerLengths(row, ctx.config);
          if (filters) before.add(...lengths);
          if (filters && !isWithin(lengths, ctx.config)) continue;
          if (filters) after.add(...lengths);
          yield { split, row };
        }
      }
      if (before.pairs > 0 && after.pairs === 0) throw allRemoved(before.pairs, ctx.config);
      ctx.record(facts());
      ctx.log(`kept ${after.pairs} of ${before.pairs} pairs`);
    }

    const draft: DatasetDraft<PreferencePair> = {
      rows: kept(),
      stats: () => ({ ...pairs.stats, lengthFilter: facts() }),
    };
    return { pairs: draft };
  },
});

type Lengths = readonly [chosen: number, rejected: number];

function answerLengths(pair: PreferencePair, { unit }: Config): Lengths {
  const measure = (text: string) =>
    unit === "words" ? text.split(/\s+/).filter((word) => word !== "").length : [...text].length;
  return [measure(pairText(pair.chosen)), measure(pairText(pair.rejected))];
}

function isWithin(lengths: Lengths, { maxRatio, minLength }: Config): boolean {
  const shorter = Math.min(...lengths);
  return shorter >= minLength && Math.max(...lengths) <= maxRatio * shorter;
}

function allRemoved(count: number, { maxRatio, minLength, unit }: Config): OddsmithError {
  return new OddsmithError(
    "DataError",
    "ALL_REMOVED",
    `Cannot filter by length: none of ${count} pairs has answers of at least ${minLength} ` +
      `${unit} and a ratio of at most ${maxRatio}`,
    { hint: "raise maxRatio or lower minLength" },
  );
}
