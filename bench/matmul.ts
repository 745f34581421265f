/**
 * The matrix product of a SmolLM2-135M MLP on 512 tokens, in the three layouts a linear layer
 * takes, against tfjs's own product in its best layout; and what it costs that a frozen weight is
 * packed, forward and backward.
 */

import { openDevice } from "../src/tensor/device.ts";
import { matMul } from "../src/tensor/matmul.ts";
import { stockMatMul } from "../src/tensor/matmul_stock.ts";
import { type PackedMatrix, packMatrix } from "../src/tensor/packed_matrix.ts";
import { readFloats } from "../src/tensor/readback.ts";
import { tf } from "../src/tensor/tf.ts";
import { tuneFor } from "../src/tensor/tuner.ts";
import { compare, type Figure, runBench } from "./harness.ts";

const [ROWS, INNER, COLUMNS] = [512, 576, 1536] as const;

async function* figures(): AsyncGenerator<Figure> {
  await openDevice("webgpu");
  await tuneFor([{ rows: ROWS, inner: INNER, columns: COLUMNS }]);
  const a = tf.randomNormal<tf.Rank.R2>([ROWS, INNER]);
  const b = tf.randomNormal<tf.Rank.R2>([INNER, COLUMNS]);
  const [aTransposed, bTransposed] = [tf.transpose(a), tf.transpose(b)];
  yield* await compare({
    name: `matmul ${ROWS}x${INNER}x${COLUMNS}`,
    base: { name: "tfjs NN", run: () => stockMatMul(a, b) },
    contenders: [
      { name: "NN", run: () => matMul(a, b) },
      { name: "NT", run: () => matMul(a, bTransposed, { transposeB: true }) },
      { name: "TN", run: () => matMul(aTransposed, b, { transposeA: true }) },
    ],
    must: 4.5,
    aim: 5.5,
    repeats: 4,
  });
  const weight = await readFloats(bTransposed);
  const dY = tf.randomNormal<tf.Rank.R2>([ROWS, COLUMNS]);
  yield* await compare({
    name: `frozen linear ${ROWS}x${INNER}x${COLUMNS}, y and dX`,
    base: { name: "float32", run: () => linear(bTransposed, a, dY) },
    contenders: (["f16", "int8", "nf4"] as const).map((format) => {
      const packed = packMatrix(weight, [COLUMNS, INNER], format);
      return { name: format, run: () => linear(packed, a, dY) };
    }),
    must: 0.75,
    aim: 0.95,
    repeats: 4,
  });
}

function linear(
  weight: tf.Tensor2D | PackedMatrix,
  x: tf.Tensor2D,
  dY: tf.Tensor2D,
): tf.Tensor2D[] {
  return [matMul(x, weight, { transposeB: true }), matMul(dY, weight)];
}

await runBench(import.meta, figures);
