/**
 * ORPO pairs a second, full fine-tune of a model with SmolLM2-135M's sizes on HH pairs, against
 * TRL's ORPOTrainer on PyTorch (bench/trl_speed.py), on the same token ids and processors. TRL runs
 * with and without gradient checkpointing (its default has it); the faster of the two counts.
 *
 *     ODDSMITH_PYTHON=.../python deno task bench trl      # a Python that has torch and trl
 */

import { fromFileUrl, join } from "@std/path";
import { openDevice } from "../src/tensor/device.ts";
import { tf } from "../src/tensor/tf.ts";
import type { PairTokens } from "../src/train/batch.ts";
import { type Figure, median, runBench, settle } from "./harness.ts";
import { hhPairs, missingPairs } from "./hh_pairs.ts";
import { SMOLLM_SHAPE, smollmShaped } from "./smollm_shape.ts";
import { stepOf, StepWork } from "./step_work.ts";

/** TRL's defaults. */
const BATCH = 8;
const MAX_LENGTH = 1024;
const WARMUP = 1;
const STEPS = 2;
const ROUNDS = 3;

interface TrlSpeed {
  pairs_per_second: number;
  tokens: number;
  padded_tokens: number;
  torch: string;
  trl: string;
}

async function* figures(): AsyncGenerator<Figure> {
  const python = Deno.env.get("ODDSMITH_PYTHON");
  const missing = python
    ? await missingPairs()
    : "ODDSMITH_PYTHON names no Python with torch and trl";
  if (missing) return console.error(`TRL is not measured: ${missing}`);
  await openDevice("webgpu");
  const pairs = await hhPairs((WARMUP + STEPS) * BATCH, MAX_LENGTH, SMOLLM_SHAPE.vocabSize);
  const dir = await Deno.makeTempDir();
  const file = join(dir, "pairs.json");
  await Deno.writeTextFile(file, JSON.stringify(pairs.map(plain)));
  const work = await StepWork.of(await smollmShaped(), 2048);
  const rounds: { ours: number; kept: TrlSpeed; recomputed: TrlSpeed }[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const kept = await trlSpeed(python!, file, ["--no-gradient-checkpointing"]);
      const ours = await ourSpeed(work, pairs);
      rounds.push({ ours, kept, recomputed: await trlSpeed(python!, file, []) });
    }
  } finally {
    work.dispose();
    await Deno.remove(dir, { recursive: true });
  }
  const faster = ({ kept, recomputed }: typeof rounds[0]) =>
    Math.max(kept.pairs_per_second, recomputed.pairs_per_second);
  const { torch, trl, tokens, padded_tokens } = rounds[0]!.kept;
  yield {
    name: `ORPO pairs/s, full fine-tune of a 134.5 M parameter Llama on hh pairs, against TRL`,
    contender: "fused, packed, prompts shared",
    value: median(rounds.map((round) => round.ours / faster(round))),
    unit: "x",
    must: 0.5,
    aim: 1,
    details: {
      rounds: ROUNDS,
      pairsPerSecond: median(rounds.map(({ ours }) => ours)),
      trlPairsPerSecond: median(rounds.map(({ kept }) => kept.pairs_per_second)),
      trlCheckpointingPairsPerSecond: median(
        rounds.map(({ recomputed }) => recomputed.pairs_per_second),
      ),
      trlTokens: tokens,
      trlPaddedTokens: padded_tokens,
      torch,
      trl,
    },
  };
}

async function ourSpeed(work: StepWork, pairs: readonly PairTokens[]): Promise<number> {
  const plans = Array.from(
    { length: WARMUP + STEPS },
    (_, step) => stepOf(pairs.slice(step * BATCH, (step + 1) * BATCH), BATCH),
  );
  let started = 0;
  for (const [step, plan] of plans.entries()) {
    if (step === WARMUP) {
      await settle();
      started = performance.now();
    }
    tf.dispose(await work.step(plan));
  }
  await settle();
  return 1000 * STEPS * BATCH / (performance.now() - started);
}

async function trlSpeed(python: string, file: string, flags: string[]): Promise<TrlSpeed> {
  const script = fromFileUrl(new URL("trl_speed.py", import.meta.url));
  const sizes = ["--steps", `${STEPS}`, "--warmup", `${WARMUP}`, "--batch-size", `${BATCH}`];
  const { success, stdout, stderr } = await new Deno.Command(python, {
    args: [script, "--pairs", file, ...sizes, ...flags],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
}

function plain({ promptIds, chosenIds, rejectedIds }: PairTokens) {
  return {
    promptIds: Array.from(promptIds),
    chosenIds: Array.from(chosenIds),
    rejectedIds: Array.from(rejectedIds),
  };
}

await runBench(import.meta, figures);
