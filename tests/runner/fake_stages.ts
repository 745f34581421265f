/**
 * Small stages for the tests of loading: every kind, option and fault a pipeline can meet, without
 * a model. None of them is meant to be run.
 */

import { z } from "zod";
import {
  type AnyStage,
  type ArtifactType,
  first,
  type InputPort,
  optional,
  type Stage,
} from "../../src/runner/contract.ts";
import { OddsmithError } from "../../src/base/error.ts";

type Text<K extends string> = ArtifactType<string, string, K>;

function textType<K extends string>(kind: K, version = 1): Text<K> {
  return {
    kind,
    version,
    write: (value, dir) => Deno.writeTextFile(`${dir}/value.txt`, value),
    read: (dir) => Deno.readTextFile(`${dir}/value.txt`),
  };
}

export const rawRows: Text<"raw-rows"> = textType("raw-rows");
export const cleanRows: Text<"clean-rows"> = textType("clean-rows");
export const batches: Text<"batches"> = textType("batches");
export const weights: Text<"weights"> = textType("weights");
export const scores: Text<"scores"> = textType("scores");

const readConfig = z.strictObject({
  source: z.union([
    z.string(),
    z.array(z.strictObject({ path: z.string(), weight: z.number().positive().default(1) })),
  ]).describe("Where the rows are."),
  evalFraction: z.number().min(0).max(0.5).default(0.1).describe("Share held out."),
});

/** Gives rows; its source file must exist. */
export const read: Stage<
  Record<never, never>,
  { rows: typeof rawRows },
  z.output<typeof readConfig>,
  z.input<typeof readConfig>,
  "read"
> = {
  apiVersion: 1,
  name: "read",
  version: "1",
  summary: "Reads rows.",
  inputs: {},
  outputs: { rows: rawRows },
  config: readConfig,
  sources: async ({ source }, resolvePath) => {
    const named = typeof source === "string" ? [source] : source.map((one) => one.path);
    const paths = named.map(resolvePath);
    for (const [index, path] of paths.entries()) {
      const there = await Deno.stat(path).then(() => true, () => false);
      if (!there) {
        throw new OddsmithError(
          "DataError",
          "SOURCE_MISSING",
          `Cannot read "${named[index]}": no such file`,
        );
      }
    }
    return paths;
  },
  run: () => Promise.resolve({ rows: "" }),
};

const cleanConfig = z.strictObject({ maxLength: z.int().positive().default(512) });

/** raw-rows -> clean-rows. */
export const clean: Stage<
  { rows: typeof rawRows },
  { rows: typeof cleanRows },
  z.output<typeof cleanConfig>,
  z.input<typeof cleanConfig>,
  "clean"
> = {
  apiVersion: 1,
  name: "clean",
  version: "1",
  summary: "Cleans rows.",
  inputs: { rows: rawRows },
  outputs: { rows: cleanRows },
  config: cleanConfig,
  run: () => Promise.resolve({ rows: "" }),
};

const noOptions = z.strictObject({});

/** clean-rows -> batches. */
export const batch: Stage<
  { rows: typeof cleanRows },
  { batches: typeof batches },
  z.output<typeof noOptions>,
  z.input<typeof noOptions>,
  "batch"
> = {
  apiVersion: 1,
  name: "batch",
  version: "1",
  summary: "Batches rows.",
  inputs: { rows: cleanRows },
  outputs: { batches },
  config: noOptions,
  run: () => Promise.resolve({ batches: "" }),
};

/** Gives weights. */
export const init: Stage<
  Record<never, never>,
  { weights: typeof weights },
  z.output<typeof noOptions>,
  z.input<typeof noOptions>,
  "init"
> = {
  apiVersion: 1,
  name: "init",
  version: "1",
  summary: "Makes weights.",
  inputs: {},
  outputs: { weights },
  config: noOptions,
  run: () => Promise.resolve({ weights: "" }),
};

const trainConfig = z.strictObject({
  beta: z.number().positive().default(0.1).describe("Weight of the odds ratio."),
  schedule: z.enum(["cosine", "linear"]).default("cosine"),
  optimizer: z.strictObject({ learningRate: z.number().default(1e-5) }).prefault({}),
});

/** batches + weights -> weights. */
export const train: Stage<
  { batches: typeof batches; weights: typeof weights; scores: InputPort<typeof scores, true> },
  { weights: typeof weights },
  z.output<typeof trainConfig>,
  z.input<typeof trainConfig>,
  "train"
> = {
  apiVersion: 1,
  name: "train",
  version: "1",
  summary: "Trains.",
  inputs: { batches, weights, scores: optional(scores) },
  outputs: { weights },
  config: trainConfig,
  run: () => Promise.resolve({ weights: "" }),
};

/** The first weights against the last. */
export const compare: Stage<
  { before: InputPort<typeof weights, false>; after: typeof weights },
  { scores: typeof scores },
  z.output<typeof noOptions>,
  z.input<typeof noOptions>,
  "compare"
> = {
  apiVersion: 1,
  name: "compare",
  version: "1",
  summary: "Compares.",
  inputs: { before: first(weights), after: weights },
  outputs: { scores },
  config: noOptions,
  run: () => Promise.resolve({ scores: "" }),
};

/** Two outputs of one kind: as near as each other. */
export const split: Stage<
  { rows: typeof cleanRows },
  { left: typeof cleanRows; right: typeof cleanRows },
  z.output<typeof noOptions>,
  z.input<typeof noOptions>,
  "split"
> = {
  apiVersion: 1,
  name: "split",
  version: "1",
  summary: "Splits rows.",
  inputs: { rows: cleanRows },
  outputs: { left: cleanRows, right: cleanRows },
  config: noOptions,
  run: () => Promise.resolve({ left: "", right: "" }),
};

/** The stages above by name. */
export const fakeStages: ReadonlyMap<string, AnyStage> = new Map(
  [read, clean, batch, init, train, compare, split].map((stage) => [stage.name, stage]),
);
