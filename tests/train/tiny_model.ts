/** A small bigram model, pairs it can learn, and a run around them: for tests of the loop alone. */

import { Rng } from "../../src/base/rng.ts";
import type { ModelConfig } from "../../src/models/config.ts";
import type { CausalLM, PackedBatch, TokenBatch } from "../../src/models/model.ts";
import { embedding } from "../../src/ops/embedding/embedding.ts";
import type { Device } from "../../src/tensor/device.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import type { PairTokens } from "../../src/train/batch.ts";
import type { LogRow } from "../../src/train/log_file.ts";
import { trainOrpo, type TrainResult, type TrainRun } from "../../src/train/loop.ts";
import { type OrpoOptions, orpoOptions } from "../../src/train/options.ts";
import { PairStore } from "../../src/train/pair_store.ts";

const V = 24;
const C = 8;

/** A model whose next token depends on the last one only: log softmax(embedding · headᵀ). */
export function tinyModel(seed: string): CausalLM {
  const rng = Rng.fromSeed(seed);
  const table = () => tf.tensor2d(Float32Array.from({ length: V * C }, () => rng.normal()), [V, C]);
  const parameters = new Map<string, tf.Variable>();
  for (const name of ["model.embed_tokens.weight", "lm_head.weight"]) {
    const start = table();
    parameters.set(name, tf.variable(start));
    start.dispose();
  }
  const weight = (name: string) => parameters.get(name) as unknown as tf.Tensor2D;
  const config = {
    modelType: "bigram",
    vocabSize: V,
    hiddenSize: C,
    maxPositionEmbeddings: 64,
  } as ModelConfig;
  const head = () => ({ weight: weight("lm_head.weight") });
  const embed = ({ inputIds }: TokenBatch | PackedBatch) =>
    embedding(weight("model.embed_tokens.weight"), inputIds);
  return {
    config,
    parameters,
    trainable: parameters,
    hidden: embed,
    startPass: (batch) => ({
      layers: 0,
      embed: () => embed(batch),
      block: (x) => x,
      finish: (x) => tf.clone(x),
      head,
      dispose: () => {},
    }),
    head,
    startDecoding: () => {
      throw new Error("the bigram model is only for training");
    },
    dispose: () => tf.dispose([...parameters.values()]),
  };
}

/** Pairs in which chosen answers count up and rejected ones count down. */
export function tinyPairs(count: number, seed: string): PairTokens[] {
  const rng = Rng.fromSeed(seed);
  return Array.from({ length: count }, (_, i) => {
    const start = 4 + rng.int(V - 8);
    const run = (step: number) =>
      Array.from({ length: 2 + rng.int(4) }, (_, n) => 2 + (V + start + step * n) % (V - 2));
    return { id: `pair-${i}`, promptIds: [1, start], chosenIds: run(1), rejectedIds: run(-1) };
  });
}

/** A finished or failed training of the tiny model. */
export interface TinyOutcome {
  result?: TrainResult;
  error?: unknown;
  rows: LogRow[];
  warnings: string[];
  weights: Record<string, number[]>;
}

/** Options with defaults filled in. */
export function options(given: Partial<OrpoOptions> = {}): OrpoOptions {
  return (orpoOptions as { parse(value: unknown): OrpoOptions }).parse({
    beta: 0.5,
    learningRate: 0.05,
    microBatchSize: 2,
    gradientAccumulationSteps: 2,
    saveSteps: 0,
    maxSteps: 12,
    ...given,
  });
}

/** Trains the tiny model in `dir`; `change` replaces parts of the run. */
export async function trainTiny(
  device: Device,
  dir: string,
  given: Partial<OrpoOptions>,
  change: Partial<TrainRun> & { onRow?: (row: LogRow) => void } = {},
): Promise<TinyOutcome> {
  const model = change.model ?? tinyModel("weights");
  const outcome: TinyOutcome = { rows: [], warnings: [], weights: {} };
  try {
    outcome.result = await trainOrpo({
      model,
      train: await PairStore.load(tinyPairs(22, "train"), model.config),
      evaluation: await PairStore.load(tinyPairs(7, "eval"), model.config),
      options: options(given),
      seed: "seed",
      device,
      dir,
      signal: new AbortController().signal,
      hooks: {
        progress: () => {},
        row: (row) => change.onRow?.(row),
        log: (message, level) => level === "warn" && outcome.warnings.push(message),
      },
      ...change,
    });
  } catch (error) {
    outcome.error = error;
  }
  const text = await Deno.readTextFile(`${dir}/steps.jsonl`).catch(() => "");
  outcome.rows = text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  for (const [name, variable] of model.parameters) {
    outcome.weights[name] = [...await readFloats(variable)];
  }
  model.dispose();
  return outcome;
}

const VARYING = ["tokens_per_second", "pairs_per_second", "peak_memory_bytes"];

/** Rows without what depends on the clock and on memory. */
export function steady(rows: readonly LogRow[]): LogRow[] {
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => !VARYING.includes(name))) as LogRow
  );
}
