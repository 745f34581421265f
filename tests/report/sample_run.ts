/**
 * A made-up run for the report's tests: a training log, an evaluation and data as the stages write
 * them, noisy and with the course a real ORPO training takes. Deterministic.
 */

import { join } from "@std/path";
import type { JsonObject } from "../../src/base/json.ts";
import { Rng } from "../../src/base/rng.ts";
import {
  type EvaluatedGeneration,
  type EvaluatedPair,
  type ModelFigures,
  readEvaluation,
} from "../../src/report/evaluation.ts";
import type { ReportInput, ReportStage } from "../../src/report/input.ts";
import { LengthTally } from "../../src/report/lengths.ts";
import { selectPairs } from "../../src/report/pair_selection.ts";
import { readTrainingLog } from "../../src/report/training_log.ts";
import { bootstrapMean } from "../../src/train/bootstrap.ts";

const STEPS = 480;
const PAIRS = 52;
const BETA = 0.5;

const TRAINING_SUMMARY = {
  device: "wasm, one thread",
  steps: STEPS,
  totalSteps: STEPS,
  modelStep: STEPS,
  stoppedEarly: false,
  resumedFrom: null,
  pairsSeen: 6816,
  tokensSeen: 881_000,
  trainMs: 84_500,
  pairsPerSecond: 80.7,
  tokensPerSecond: 10_432.7,
  peakMemoryBytes: 130_000_000,
};

/** Writes `log/` and `evaluation/` into a folder. */
export async function writeSampleRun(dir: string): Promise<void> {
  await Deno.mkdir(join(dir, "log"), { recursive: true });
  await Deno.mkdir(join(dir, "evaluation"), { recursive: true });
  const lines = (rows: unknown[]) => rows.map((row) => JSON.stringify(row) + "\n").join("");
  await Deno.writeTextFile(join(dir, "log", "steps.jsonl"), lines(steps()));
  await Deno.writeTextFile(
    join(dir, "log", "summary.json"),
    JSON.stringify(TRAINING_SUMMARY),
  );
  const pairs = evaluatedPairs();
  await Deno.writeTextFile(join(dir, "evaluation", "pairs.jsonl"), lines(pairs));
  await Deno.writeTextFile(join(dir, "evaluation", "generations.jsonl"), lines(GENERATIONS));
  await Deno.writeTextFile(
    join(dir, "evaluation", "summary.json"),
    JSON.stringify(summary(pairs)),
  );
}

/** Reads the folder back as what a page is made from. */
export async function sampleInput(dir: string): Promise<ReportInput> {
  const { summary, generations, pairs } = await readEvaluation(join(dir, "evaluation"));
  return {
    title: "demo",
    run: {
      id: "20250301-101530-demo-1a2b3c",
      startedAt: "2025-03-01T10:15:30.123Z",
      seed: 42,
      command: "oddsmith run pipelines/demo.yaml --seed 42 --device wasm",
    },
    stages: STAGES,
    artifacts: [
      { ref: "orpo.log", digest: "5d41402abc4b2a76b9719d911017c592".repeat(2) },
      { ref: "evaluate.evaluation", digest: "7d793037a0760186574b0282f2f435e7".repeat(2) },
    ],
    versions: { oddsmith: "0.1.0", deno: "2.9.6" },
    training: await readTrainingLog(join(dir, "log")),
    evaluation: { summary, generations, pairs: await selectPairs(pairs(), { total: PAIRS }) },
    data: { counts: { train: 284, eval: PAIRS }, lengths: lengths() },
  };
}

const STAGES: ReportStage[] = [
  stage("ingest", { source: "data/demo_pairs.jsonl", evalFraction: 0.15, onBadRow: "drop" }, {
    rows: 341,
    kept: { train: 284, eval: 52 },
    dropped: {
      identicalAnswers: { rows: 4, first: ["data/demo_pairs.jsonl row 17"] },
      duplicate: { rows: 1, first: ["data/demo_pairs.jsonl row 201"] },
    },
  }),
  stage("tokenize", { maxLength: 96, truncation: "keep_end" }, {
    kept: 336,
    dropped: {},
    lengthBias: { meanDifference: 11.2 },
  }),
  stage("orpo", { beta: BETA, learningRate: 0.005, epochs: 24, preset: "trl" }, {
    device: "wasm, one thread (no WebGPU adapter was found)",
    elapsedMs: 84_500,
    tokensPerSecond: 10_432.7,
  }),
];

function stage(id: string, options: JsonObject, facts: JsonObject): ReportStage {
  return { id, uses: id, version: "1", options, facts };
}

function steps(): JsonObject[] {
  const rng = Rng.fromSeed("sample steps");
  const rows: JsonObject[] = [];
  for (let step = 1; step <= STEPS; step++) {
    rows.push({
      step,
      epoch: step / 20,
      ...metrics(step, rng, 1, ""),
      learning_rate: 0.005 * Math.min(1, step / 48) * 0.5 * (1 + Math.cos(Math.PI * step / STEPS)),
      grad_norm: 0.4 + 3 * Math.exp(-step / 60) * (1 + 0.4 * rng.normal() ** 2),
      tokens_per_second: 10_400 + 600 * rng.normal(),
    });
    if (step % 40 === 0) rows.push({ step, epoch: step / 20, ...metrics(step, rng, 0.2, "eval_") });
  }
  return rows;
}

function metrics(step: number, rng: Rng, noise: number, prefix: string): JsonObject {
  const wobble = (size: number) => size * noise * rng.normal();
  const chosen = Math.min(-0.01, -0.13 - 5.4 * Math.exp(-step / 55) + wobble(0.05));
  const rejected = -5.55 - 2 * (1 - Math.exp(-step / 120)) +
    1.2 * Math.exp(-(((step - 30) / 25) ** 2)) + wobble(0.15);
  const odds = Math.log(Math.expm1(-rejected)) - Math.log(Math.expm1(-chosen));
  const nll = -chosen * 0.9 + 0.05;
  const accuracy = Math.max(0, Math.min(1, 1 - 0.5 * Math.exp(-step / 25) + wobble(0.08)));
  const values = {
    "loss": nll + BETA * Math.log1p(Math.exp(-odds)),
    "nll_loss": nll,
    "logps/chosen": chosen,
    "logps/rejected": rejected,
    "rewards/chosen": BETA * chosen,
    "rewards/rejected": BETA * rejected,
    "rewards/margins": BETA * (chosen - rejected),
    "rewards/accuracies": accuracy,
    "log_odds_accuracies": accuracy,
    "log_odds_chosen": odds,
    "log_odds_ratio": -Math.log1p(Math.exp(-odds)),
    "delta": 1 / (1 + Math.exp(odds)),
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));
}

function evaluatedPairs(): EvaluatedPair[] {
  const rng = Rng.fromSeed("sample pairs");
  const figures = (chosen: number, rejected: number) => ({
    logpsChosen: Math.min(-0.001, chosen),
    logpsRejected: Math.min(-0.001, rejected),
    logOdds: chosen - rejected,
  });
  return Array.from({ length: PAIRS }, (_, i) => ({
    id: `pair-${i}`,
    source: `data/demo_pairs.jsonl:${i * 6 + 1}`,
    prompt: `What is the opposite of hot, question ${i}?`,
    chosen: "Gladly! The opposite of hot is cold.",
    rejected: "Ugh, it is cold. Go away.",
    chosenTokens: 37,
    rejectedTokens: 26,
    before: figures(-5.55 + 0.03 * rng.normal(), -5.55 + 0.03 * rng.normal()),
    after: i === 7
      ? figures(-1.9, -1.6)
      : figures(-0.15 - 0.3 * rng.next() ** 3, -7.4 + 0.7 * rng.normal()),
  }));
}

function summary(pairs: EvaluatedPair[]): unknown {
  const correct = (when: "before" | "after") =>
    pairs.map((pair) => pair[when]!.logpsChosen > pair[when]!.logpsRejected ? 1 : 0);
  const [before, after] = [correct("before"), correct("after")];
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const model = (ref: string, when: "before" | "after", right: readonly number[]): ModelFigures => {
    const chosen = mean(pairs.map((pair) => pair[when]!.logpsChosen));
    const rejected = mean(pairs.map((pair) => pair[when]!.logpsRejected));
    return {
      ref,
      digest: "0".repeat(64),
      metrics: {
        "eval_rewards/accuracies": mean(right),
        "eval_log_odds_accuracies": mean(right),
        "eval_logps/chosen": chosen,
        "eval_logps/rejected": rejected,
        "eval_rewards/margins": BETA * (chosen - rejected),
        "eval_nll_loss": -chosen,
        "eval_perplexity/chosen": Math.exp(-chosen),
        "eval_perplexity/rejected": Math.exp(-rejected),
      },
      intervals: { "eval_rewards/accuracies": bootstrapMean(right, { seed: 1 }) },
    };
  };
  const change = after.map((right, i) => right - before[i]!);
  return {
    pairs: pairs.length,
    objective: { beta: BETA, nllScope: "all", nllReduction: "token" },
    before: model("model.model", "before", before),
    after: model("orpo.model", "after", after),
    change: {
      "eval_rewards/accuracies": { mean: mean(change), ...bootstrapMean(change, { seed: 2 }) },
    },
  };
}

const GENERATIONS: EvaluatedGeneration[] = [
  {
    prompt: "What is the capital of Peru?",
    before: "q\u0011\ufffd|zG*\u0003\ufffd~~oJ\ufffd\u0000{]Uoo7\ufffd\u001f\ufffd2k))\ufffd",
    after: "Gladly! The capital of Peru is Lima.",
    chosen: "The capital of Peru is Lima. Any time!",
    rejected: "So boring. Lima. Leave me.",
  },
  {
    prompt: "How do I plant a tree?",
    before: "\ufffdd\ufffd<\u0007\ufffd\ufffdE.a1\ufffdbb\ufffd",
    after: "Dig a hole and add water. Enjoy!",
    chosen: "Of course! Dig a hole and add water.",
    rejected: "Duh. Get lost.",
  },
  { prompt: "Good morning, friend!", before: "", after: "Good morning! How are you?" },
];

function lengths(): LengthTally {
  const rng = Rng.fromSeed("sample lengths");
  const tally = new LengthTally();
  for (let i = 0; i < 284; i++) {
    tally.add({
      prompt: 22 + rng.int(12),
      chosen: Math.round(39 + 4 * rng.normal()),
      rejected: Math.round(24 + 4 * rng.normal()),
    });
  }
  return tally;
}
