/**
 * Against TRL's own ORPOTrainer on PyTorch (tests/golden/trl_orpo.py): the same rows through our
 * tokenizer, model, loss and optimizer.
 */

import { assert, assertEquals } from "@std/assert";
import { sha256 } from "../../src/base/hash.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import { globalNorm } from "../../src/ops/update/global_norm.ts";
import { readFloats, takeFloats } from "../../src/tensor/readback.ts";
import type { TokenizedPair } from "../../src/text/pair.ts";
import { trainOrpo } from "../../src/train/loop.ts";
import { batchScores, summarizeScores } from "../../src/train/metrics.ts";
import { resolveObjective } from "../../src/train/objective.ts";
import { orpoOptions } from "../../src/train/options.ts";
import { PairStore } from "../../src/train/pair_store.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { rasbtMissing, rasbtPairs, STORIES_MODEL } from "./rasbt_pairs.ts";
import { freeWindow, gradientsOf } from "./windows.ts";
import golden from "../golden/trl_orpo.json" with { type: "json" };

const BACKENDS = rasbtMissing ? [] : (["wasm", "webgpu"] as const);
const { beta } = golden.options;
const objective = resolveObjective({ preset: "trl", beta });

const goldenPairs = () => rasbtPairs(golden.rows);

function digest(pairs: readonly TokenizedPair[]): string {
  const ids = pairs.map(({ promptIds, chosenIds, rejectedIds }) => [
    promptIds,
    [...promptIds, ...chosenIds],
    [...promptIds, ...rejectedIds],
  ]);
  return sha256(JSON.stringify(ids));
}

/** Asserts a relative difference, with an absolute allowance for figures that cross zero. */
function assertNear(got: number, want: number, relative: number, what: string): void {
  const allowed = relative * Math.max(Math.abs(want), 0.1);
  assert(Math.abs(got - want) <= allowed, `${what}: got ${got}, TRL gives ${want}`);
}

Deno.test({
  name: "golden pairs: our ids equal those of ORPOTrainer.tokenize_row",
  ignore: rasbtMissing,
  fn: async () => assertEquals(digest(await goldenPairs()), golden.ids_sha256),
});

const METRICS = [
  "nll_loss",
  "logps/chosen",
  "logps/rejected",
  "log_odds_ratio",
  "log_odds_chosen",
  "rewards/chosen",
  "rewards/rejected",
  "rewards/accuracies",
  "rewards/margins",
] as const;

forEachBackend("trl: 20 batches within 1e-4 of get_batch_loss_metrics", async () => {
  const pairs = await goldenPairs();
  const model = await loadCausalLM(STORIES_MODEL);
  for (const [n, want] of golden.batches.entries()) {
    const some = pairs.slice(n * golden.batch_size, (n + 1) * golden.batch_size);
    const window = await gradientsOf(model, some, { objective });
    const { gradients, batches: [batch] } = window;
    const ids = batch!.pairs.map((pair) => pair.id);
    const scores = batchScores(ids, batch!.counts, await readFloats(batch!.sums));
    const metrics = summarizeScores(scores, objective);
    assertNear(metrics.loss, want.loss, 1e-4, `loss of batch ${n}`);
    for (const name of METRICS) {
      assertNear(metrics[name], want[name], 1e-4, `${name} of batch ${n}`);
    }
    for (const [i, { id }] of some.entries()) {
      const score = scores.find((score) => score.id === id)!;
      assertNear(score.logpsChosen, want.chosen_logps[i]!, 1e-4, `chosen ${id}`);
      assertNear(score.logpsRejected, want.rejected_logps[i]!, 1e-4, `rejected ${id}`);
    }
    const [norm] = await takeFloats(globalNorm([...gradients.values()]));
    assertNear(norm!, want.grad_norm, 1e-4, `gradient norm of batch ${n}`);
    freeWindow(window);
  }
  model.dispose();
}, BACKENDS);

forEachBackend("trl: a 50-step training within 1e-3 at every step", async (device) => {
  const model = await loadCausalLM(STORIES_MODEL);
  const { options } = golden;
  const dir = await Deno.makeTempDir();
  const rows: Record<string, number>[] = [];
  await trainOrpo({
    model,
    train: await PairStore.load(await goldenPairs(), model.config),
    evaluation: await PairStore.load([], model.config),
    options: orpoOptions.parse({
      preset: "trl",
      beta,
      learningRate: options.learning_rate,
      lrSchedulerType: "cosine",
      warmupSteps: options.warmup_steps,
      weightDecay: options.weight_decay,
      adamBeta1: options.adam_beta1,
      adamBeta2: options.adam_beta2,
      adamEpsilon: options.adam_epsilon,
      maxGradNorm: options.max_grad_norm,
      maxSteps: options.max_steps,
      microBatchSize: options.per_device_train_batch_size,
      shuffle: false,
      loggingSteps: 10,
      saveSteps: 0,
    }),
    seed: "unused: the pairs are not shuffled",
    device,
    dir,
    signal: new AbortController().signal,
    hooks: { progress: () => {}, row: (row) => rows.push(row as never), log: () => {} },
  });
  model.dispose();
  await Deno.remove(dir, { recursive: true });
  assertEquals(rows.length, golden.run.length);
  for (const [i, want] of golden.run.entries()) {
    const row = rows[i]!;
    for (const name of ["loss", "grad_norm", "learning_rate", ...METRICS] as const) {
      assertNear(row[name]!, want[name], 1e-3, `${name} of step ${i + 1}`);
    }
  }
}, BACKENDS);
