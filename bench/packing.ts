/**
 * Optimizer steps on HH pairs: one packed stream with each prompt once, against padded blocks of
 * [chosen; rejected], by the same kernels. What is compared is the time of the same pairs, so the
 * ratio is that of pairs a second.
 *
 * The model is small in every direction but shaped as SmolLM2-135M: three times the width in the
 * MLP, a third of the heads for keys, and a head that is a fifth of its work on a token.
 */

import { initModel } from "../src/models/init.ts";
import { loadCausalLM } from "../src/models/load.ts";
import type { CausalLM } from "../src/models/model.ts";
import { openDevice } from "../src/tensor/device.ts";
import { tf } from "../src/tensor/tf.ts";
import { tuneFor } from "../src/tensor/tuner.ts";
import { addSizes } from "../src/train/batch.ts";
import { windowGradients } from "../src/train/gradients.ts";
import { resolveObjective } from "../src/train/objective.ts";
import { AdamW } from "../src/train/optimizer.ts";
import { planWindow, type WindowPlan } from "../src/train/window_plan.ts";
import { paddedWindow } from "../tests/train/padded_batch.ts";
import { compare, type Contender, type Figure, runBench } from "./harness.ts";
import { hhPairs, missingPairs } from "./hh_pairs.ts";

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
const ADAMW = { adamBeta1: 0.9, adamBeta2: 0.999, adamEpsilon: 1e-8, weightDecay: 0 };

const objective = resolveObjective({ preset: "trl", beta: 0.1 });
const { nllScope } = objective;

async function makeModel(): Promise<CausalLM> {
  const dir = await Deno.makeTempDir();
  try {
    const ids = { bosTokenId: 1, eosTokenId: 2, padTokenId: 0 };
    const options = {
      ...SHAPE,
      ...ids,
      maxPositionEmbeddings: MAX_LENGTH,
      ropeTheta: 10000,
      rmsNormEps: 1e-5,
      tieWordEmbeddings: true,
      initializerRange: 0.02,
    };
    await initModel(dir, options, "bench/packing");
    return await loadCausalLM(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function* figures(): AsyncGenerator<Figure> {
  const missing = await missingPairs();
  if (missing) return console.error(`packing is not measured: ${missing}`);
  await openDevice("webgpu");
  const model = await makeModel();
  const { hiddenSize, intermediateSize } = SHAPE;
  await tuneFor([{ rows: 2048, inner: hiddenSize, columns: intermediateSize }]);
  const optimizer = new AdamW(model.parameters, ADAMW);
  const pairs = await hhPairs(WINDOW, MAX_LENGTH, SHAPE.vocabSize);
  const step = (name: string, window: WindowPlan): Contender => {
    const { used, dispatched } = addSizes(window.batches);
    return {
      name: `${name} (${dispatched} rows, ${Math.round(100 * used / dispatched)}% used)`,
      run: async () => {
        const { gradients, batches } = await windowGradients(model, window, { objective });
        optimizer.update(gradients, 1e-6);
        return [...gradients.values(), ...batches.map((batch) => batch.sums)];
      },
    };
  };
  const packed = step(
    "packed, prompts shared",
    planWindow(pairs, nllScope, { pairs: SIZE, tokens: 4096 }),
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
  optimizer.dispose();
  model.dispose();
  tf.disposeVariables();
}

await runBench(import.meta, figures);
