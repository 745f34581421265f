/**
 * Packed and shared training against the padded, unshared one: the same gradients and losses. The
 * padded one on wasm in stock operations is the oracle; the packed one runs fused on webgpu.
 */

import { assert, assertEquals, assertLess } from "@std/assert";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { globalNorm } from "../../src/ops/update/global_norm.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { readFloats, takeFloats } from "../../src/tensor/readback.ts";
import { type PairTokens, trainedTokens } from "../../src/train/batch.ts";
import { scorePairs } from "../../src/train/evaluate_pairs.ts";
import type { LogRow } from "../../src/train/log_file.ts";
import { trainOrpo } from "../../src/train/loop.ts";
import { batchScores, summarizeScores } from "../../src/train/metrics.ts";
import { type OrpoObjective, resolveObjective } from "../../src/train/objective.ts";
import { AdamW, clipFactor } from "../../src/train/optimizer.ts";
import { PairStore } from "../../src/train/pair_store.ts";
import { forEachBackend, skipWebGPU } from "../tensor/backends.ts";
import { rasbtMissing, rasbtPairs, STORIES_MODEL } from "./rasbt_pairs.ts";
import { tinyLlama } from "./tiny_llama.ts";
import { options, tinyPairs } from "./tiny_model.ts";
import { type Cut, freeWindow, gradientsOf, readGradients, scorePadded } from "./windows.ts";

type Gradients = Map<string, Float32Array>;

/** The worst of ‖a - b‖ / ‖b‖ over the weights. */
function distance(a: Gradients, b: Gradients): { worst: number; weight: string } {
  assertEquals([...a.keys()].sort(), [...b.keys()].sort());
  let found = { worst: 0, weight: "" };
  for (const [weight, expected] of b) {
    const got = a.get(weight)!;
    const worst = Math.hypot(...got.map((x, i) => x - expected[i]!)) / Math.hypot(...expected);
    if (!(worst <= found.worst)) found = { worst, weight };
  }
  return found;
}

const PROMPT = [1, 5, 6, 7];
const ODD_PAIRS: readonly PairTokens[] = [
  { id: "one prompt", promptIds: PROMPT, chosenIds: [8, 9, 2], rejectedIds: [10, 2] },
  { id: "no prompt", promptIds: [], chosenIds: [11, 12, 13, 2], rejectedIds: [14, 2] },
  { id: "answers of one token", promptIds: [1, 15], chosenIds: [2], rejectedIds: [16] },
  { id: "one prompt again", promptIds: PROMPT, chosenIds: [17, 2], rejectedIds: [8, 9, 3, 2] },
  { id: "prompt of one token", promptIds: [1], chosenIds: [18, 2], rejectedIds: [2] },
  { id: "no prompt either", promptIds: [], chosenIds: [19, 2], rejectedIds: [20, 21, 2] },
];

const OBJECTIVES: OrpoObjective[] = [
  { beta: 0.7, nllScope: "all", nllReduction: "token" },
  { beta: 0.7, nllScope: "response", nllReduction: "example" },
];

forEachBackend("windowGradients: packed equals padded, odd pairs and shared prompts", async () => {
  for (const objective of OBJECTIVES) {
    const model = tinyLlama("odd");
    const gradients = async (form: Cut["form"], pairs?: number) =>
      await readGradients(await gradientsOf(model, ODD_PAIRS, { objective, form, pairs }));
    const padded = await gradients("padded");
    for (const pairs of [undefined, 1, 2]) {
      const { worst, weight } = distance(await gradients("packed", pairs), padded);
      assertLess(worst, 1e-5, `${weight}, ${pairs ?? "all"} pairs a micro-batch`);
    }
    model.dispose();
  }
});

forEachBackend("scorePairs: packed equals padded, whatever shares a batch", async () => {
  const model = tinyLlama("odd");
  const score = (batchSize: number, batchTokens?: number) =>
    Array.fromAsync(scorePairs(model, ODD_PAIRS, { batchSize, batchTokens, nllScope: "all" }));
  const padded = await scorePadded(model, ODD_PAIRS, "all");
  for (const packed of [await score(1), await score(6), await score(6, 12)]) {
    assertEquals(packed.map(({ id }) => id), ODD_PAIRS.map(({ id }) => id));
    for (const [i, { logpsChosen, logpsRejected, nllSum }] of packed.entries()) {
      assertLess(Math.abs(logpsChosen - padded[i]!.logpsChosen), 1e-5);
      assertLess(Math.abs(logpsRejected - padded[i]!.logpsRejected), 1e-5);
      assertLess(Math.abs(nllSum - padded[i]!.nllSum), 1e-4);
    }
  }
  model.dispose();
});

Deno.test({
  name: "windowGradients: packed, shared and fused equals padded stock on real pairs",
  ignore: rasbtMissing || skipWebGPU,
  fn: async () => {
    const pairs = await rasbtPairs(Array.from({ length: 8 }, (_, i) => 101 * i));
    const objective = resolveObjective({ preset: "trl", beta: 0.25 });
    const gradients = async (form: Cut["form"], tokens: number) => {
      const model = await loadCausalLM(STORIES_MODEL);
      const values = await readGradients(
        await gradientsOf(model, pairs, { objective, form, tokens }),
      );
      model.dispose();
      return values;
    };
    await openDevice("wasm");
    const oracle = await gradients("padded", Infinity);
    const device = await openDevice("webgpu");
    for (const tokens of [1024, 300]) {
      const { worst, weight } = distance(await gradients("packed", tokens), oracle);
      assertLess(worst, 1e-4, `${weight}, ${tokens} tokens a micro-batch`);
    }
    device.checkFailed();
  },
});

const OPTIONS = options({
  learningRate: 1e-3,
  lrSchedulerType: "constant",
  warmupRatio: 0,
  shuffle: false,
  microBatchSize: 2,
  gradientAccumulationSteps: 1,
  microBatchTokens: 128,
  maxSteps: 50,
  loggingSteps: 10,
});

interface Step {
  loss: number;
  grad_norm: number;
}

/** Trains as `OPTIONS` say, on padded blocks, by nothing of the loop's. */
async function trainPadded(model: CausalLM, pairs: readonly PairTokens[]): Promise<Step[]> {
  const objective = resolveObjective(OPTIONS);
  const optimizer = new AdamW(model.parameters, OPTIONS);
  const steps: Step[] = [];
  for (let step = 0; step < OPTIONS.maxSteps; step++) {
    const size = OPTIONS.microBatchSize;
    const at = step * size % pairs.length;
    const cut: Cut = { objective, form: "padded" };
    const window = await gradientsOf(model, pairs.slice(at, at + size), cut);
    const { gradients, batches: [batch] } = window;
    const norm = globalNorm([...gradients.values()]);
    const factor = clipFactor(norm, OPTIONS.maxGradNorm);
    optimizer.update(gradients, OPTIONS.learningRate, factor);
    const ids = batch!.pairs.map((pair) => pair.id);
    const scores = batchScores(ids, batch!.counts, await readFloats(batch!.sums));
    const [grad_norm] = await takeFloats(norm);
    steps.push({ loss: summarizeScores(scores, objective).loss, grad_norm: grad_norm! });
    factor.dispose();
    freeWindow(window);
  }
  optimizer.dispose();
  return steps;
}

Deno.test({
  name: "trainOrpo: 50 packed, shared and fused steps equal padded stock ones within 1e-3",
  ignore: rasbtMissing || skipWebGPU,
  fn: async () => {
    const some = await rasbtPairs(Array.from({ length: 160 }, (_, i) => i));
    const pairs = some.sort((a, b) => trainedTokens(a) - trainedTokens(b)).slice(0, 40);
    await openDevice("wasm");
    const reference = await loadCausalLM(STORIES_MODEL);
    const expected = await trainPadded(reference, pairs);
    reference.dispose();
    const device = await openDevice("webgpu");
    const model = await loadCausalLM(STORIES_MODEL);
    const dir = await Deno.makeTempDir();
    const rows: LogRow[] = [];
    await trainOrpo({
      model,
      train: await PairStore.load(pairs, model.config),
      evaluation: await PairStore.load([], model.config),
      options: OPTIONS,
      seed: "unused: the pairs are not shuffled",
      device,
      dir,
      signal: new AbortController().signal,
      hooks: { progress: () => {}, row: (row) => rows.push(row), log: () => {} },
    });
    model.dispose();
    await Deno.remove(dir, { recursive: true });
    assertEquals(rows.length, expected.length);
    for (const [i, row] of rows.entries()) {
      for (const name of ["loss", "grad_norm"] as const) {
        const [got, want] = [row[name] as number, expected[i]![name]];
        const relative = Math.abs(got - want) / Math.abs(want);
        assertLess(relative, 1e-3, `${name} of step ${row.step}: ${got}, padded ${want}`);
      }
    }
    assert(rows.every((row) => (row.shared_tokens as number) > 0));
    assert(rows.every((row) => (row.packing_efficiency as number) > 0.75));
  },
});

Deno.test("trainOrpo: a token budget cuts micro-batches, not the result", async () => {
  const device = await openDevice("cpu");
  const losses = async (microBatchTokens: number): Promise<number[]> => {
    const model = tinyLlama("budget");
    const dir = await Deno.makeTempDir();
    const found: number[] = [];
    await trainOrpo({
      model,
      train: await PairStore.load(tinyPairs(12, "budget"), model.config),
      evaluation: await PairStore.load([], model.config),
      options: options({ microBatchTokens, microBatchSize: 4, maxSteps: 4, learningRate: 1e-3 }),
      seed: "order",
      device,
      dir,
      signal: new AbortController().signal,
      hooks: { progress: () => {}, row: (row) => found.push(row.loss as number), log: () => {} },
    });
    model.dispose();
    await Deno.remove(dir, { recursive: true });
    return found;
  };
  const [whole, cut] = [await losses(4096), await losses(1)];
  for (const [i, loss] of cut.entries()) assertLess(Math.abs(loss - whole[i]!), 1e-5);
});
