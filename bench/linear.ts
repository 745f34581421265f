/**
 * An optimizer step's time against its tokens, 256 to 4,096 packed in one micro-batch: how far the
 * time without attention's own strays from a straight line. Attention's is told by the profiler.
 * The model has SmolLM2-135M's sizes with fewer layers: a line through their sum is one through all.
 */

import { openDevice } from "../src/tensor/device.ts";
import { Profiler } from "../src/tensor/profile.ts";
import { tf } from "../src/tensor/tf.ts";
import type { WindowPlan } from "../src/train/window_plan.ts";
import { type Figure, median, runBench } from "./harness.ts";
import { SMOLLM_SHAPE, smollmShaped } from "./smollm_shape.ts";
import { drawnPairs, stepOf, StepWork } from "./step_work.ts";

const LAYERS = 6;
const PAIR_TOKENS = 256;
const SIZES = [256, 512, 1024, 2048, 4096];
const ROUNDS = 3;

interface StepTime {
  /** Milliseconds of the step without attention. */
  readonly rest: number;
  readonly attention: number;
}

async function* figures(): AsyncGenerator<Figure> {
  await openDevice("webgpu");
  const work = await StepWork.of(await smollmShaped({ numHiddenLayers: LAYERS }), 4096);
  const plans = SIZES.map((tokens) => {
    const count = tokens / PAIR_TOKENS;
    return stepOf(drawnPairs(count, PAIR_TOKENS, SMOLLM_SHAPE.vocabSize), count);
  });
  for (const plan of plans) await timed(work, plan);
  const rounds: StepTime[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const row: StepTime[] = [];
    for (const plan of plans) row.push(await timed(work, plan));
    rounds.push(row);
  }
  work.dispose();
  const rest = SIZES.map((_, i) => median(rounds.map((row) => row[i]!.rest)));
  const line = lineThrough(SIZES, rest);
  const strays = SIZES.map((tokens, i) => Math.abs(rest[i]! / line(tokens) - 1));
  yield {
    name: "step time against tokens, 256 to 4,096 packed, attention apart",
    contender: "farthest from a straight line",
    value: 100 * Math.max(...strays),
    unit: "%",
    must: 15,
    aim: 15,
    isCost: true,
    details: {
      tokens: SIZES.join(" "),
      restMs: rest.map(Math.round).join(" "),
      attentionMs: SIZES.map((_, i) => Math.round(median(rounds.map((row) => row[i]!.attention))))
        .join(" "),
    },
  };
}

async function timed(work: StepWork, plan: WindowPlan): Promise<StepTime> {
  const profiler = new Profiler();
  await profiler.start();
  const made = await work.step(plan);
  await profiler.stop();
  const { wallMs, ops } = profiler.profile();
  profiler.dispose();
  tf.dispose(made);
  const attention = ops.filter(({ label }) => label.startsWith("attention"))
    .reduce((sum, { totalMs }) => sum + totalMs, 0);
  return { rest: wallMs - attention, attention };
}

/** The line a + b x of least relative error: weights 1 / y². */
function lineThrough(xs: readonly number[], ys: readonly number[]): (x: number) => number {
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  for (const [i, x] of xs.entries()) {
    const weight = 1 / ys[i]! ** 2;
    w += weight;
    wx += weight * x;
    wy += weight * ys[i]!;
    wxx += weight * x * x;
    wxy += weight * x * ys[i]!;
  }
  const slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
  const start = (wy - slope * wx) / w;
  return (x) => start + slope * x;
}

await runBench(import.meta, figures);
