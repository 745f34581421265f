/**
 * The head of SmolLM2-135M on 512 target rows, forward and backward: tiles of the vocabulary
 * against stock operations, which take the whole vocabulary for runs of rows.
 */

import { targetLogProbs } from "../src/ops/head/head.ts";
import { openDevice } from "../src/tensor/device.ts";
import { type Kernels, setKernels } from "../src/tensor/kernels.ts";
import { tf } from "../src/tensor/tf.ts";
import { tuneFor } from "../src/tensor/tuner.ts";
import { compare, type Contender, type Figure, runBench } from "./harness.ts";

const [ROWS, HIDDEN, VOCABULARY] = [512, 576, 49_152] as const;

/** Tokens of a tile of 8 MiB. */
const TILE = 4096;

async function* figures(): AsyncGenerator<Figure> {
  await openDevice("webgpu");
  await tuneFor([{ rows: ROWS, inner: HIDDEN, columns: TILE }]);
  const inputs = [
    tf.randomNormal([ROWS, HIDDEN]),
    tf.randomNormal([VOCABULARY, HIDDEN], 0, 1 / Math.sqrt(HIDDEN)),
  ];
  const dY = tf.ones([ROWS]);
  const rows = Int32Array.from({ length: ROWS }, (_, i) => i);
  const targets = rows.map((i) => 7919 * i % VOCABULARY);
  const gradients = tf.grads((hidden: tf.Tensor, weight: tf.Tensor) =>
    targetLogProbs(hidden as tf.Tensor2D, weight as tf.Tensor2D, rows, targets)
  );
  const contender = (name: string, kernels: Kernels): Contender => ({
    name,
    run: () => {
      setKernels(kernels);
      return gradients(inputs, dY);
    },
  });
  yield* await compare({
    name: `head forward + backward, ${ROWS} rows, ${VOCABULARY} words`,
    base: contender("stock ops", "reference"),
    contenders: [contender("in tiles", "fused")],
    must: 4,
    aim: 8,
    rounds: 3,
  });
}

await runBench(import.meta, figures);
