/**
 * Optimizer steps on HH pairs: one packed stream with each prompt once, against padded blocks of
 * [chosen; rejected], by the same kernels. What is compared is the time of the same pairs, so the
 * ratio is that of pairs a second.
 *
 * The model is small in every direction but shaped as SmolLM2-135M: three times the width in the
 * MLP, a third of the heads for keys, and a head that is a fifth of its work on a token.
 */

import { openDevice } from "../src/tensor/device.ts";
import { addSizes } from "../src/train/batch.ts";
import type { WindowPlan } from "../src/train/window_plan.ts";
import { paddedWindow } from "../tests/train/padded_batch.ts";
import { compare, type Contender, type Figure, runBench } from "./harness.ts";
import { hhPairs, missingPairs } from "./hh_pairs.ts";
import { smollmShaped } from "./smollm_shape.ts";
import { objective, stepOf, StepWork } from "./step_work.ts";

const SHAPE = {
  vocabSize: 1536,
  hiddenSize: 192,
  intermediateSize: 512,
  numHiddenLayers: 2,
  numAttentionHeads: 3,
  numKeyValueHeads: 1,
};
const MAX_LENGTH = 1024;
const WINDOW = 16;
/** Pairs a micro-batch, at most. */
const SIZE = 8;
const { nllScope } = objective;

async function* figures(): AsyncGenerator<Figure> {
  const missing = await missingPairs();
  if (missing) return console.error(`packing is not measured: ${missing}`);
  await openDevice("webgpu");
  const model = await smollmShaped({ ...SHAPE, maxPositionEmbeddings: MAX_LENGTH });
  const work = await StepWork.of(model, 2048);
  const pairs = await hhPairs(WINDOW, MAX_LENGTH, SHAPE.vocabSize);
  const step = (name: string, window: WindowPlan): Contender => {
    const { used, dispatched } = addSizes(window.batches);
    return {
      name: `${name} (${dispatched} rows, ${Math.round(100 * used / dispatched)}% used)`,
      run: () => work.step(window),
    };
  };
  const packed = step(
    "packed, prompts shared",
    stepOf(pairs, SIZE),
  );
  for (
    const base of [
      step("[chosen; rejected] padded", paddedWindow(pairs, nllScope, { size: SIZE })),
      step(
        "the same, like lengths together",
        paddedWindow(pairs, nllScope, { size: SIZE, sorted: true }),
      ),
    ]
  ) {
    yield* await compare({
      name: `ORPO pairs/s on ${WINDOW} hh pairs against ${base.name}`,
      base,
      contenders: [packed],
      must: 1.6,
      aim: 2,
      rounds: 5,
    });
  }
  work.dispose();
}

await runBench(import.meta, figures);
