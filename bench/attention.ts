/**
 * Attention of SmolLM2-135M on 512 tokens, forward and backward: fused over segments against stock
 * operations. One causal sequence of 512; the stock side takes it as a batch of one.
 */

import { segmentAttention, stockSegmentAttention } from "../src/ops/attention/segment_attention.ts";
import { SegmentLayout } from "../src/ops/attention/segments.ts";
import { openDevice } from "../src/tensor/device.ts";
import { type Kernels, setKernels } from "../src/tensor/kernels.ts";
import { tf } from "../src/tensor/tf.ts";
import { compare, type Contender, type Figure, runBench } from "./harness.ts";

const [TOKENS, HEADS, KV_HEADS, SIZE] = [512, 9, 3, 64] as const;

async function* figures(): AsyncGenerator<Figure> {
  await openDevice("webgpu");
  const layout = SegmentLayout.ofBatch(1, TOKENS);
  const inputs = [HEADS, KV_HEADS, KV_HEADS].map((heads) =>
    tf.randomNormal<tf.Rank.R3>([TOKENS, heads, SIZE])
  );
  const dY = tf.randomNormal<tf.Rank.R3>([TOKENS, HEADS, SIZE]);
  const contender = (
    name: string,
    kernels: Kernels,
    op: typeof stockSegmentAttention,
  ): Contender => {
    const gradients = tf.valueAndGrads((...[q, k, v]: tf.Tensor[]) =>
      op(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, layout)
    );
    return {
      name,
      run: () => {
        setKernels(kernels);
        const { value, grads } = gradients(inputs, dY);
        return [value, ...grads];
      },
    };
  };
  yield* await compare({
    name: `attention forward + backward, T ${TOKENS}, ${HEADS} heads of ${SIZE}`,
    base: contender("stock ops", "reference", stockSegmentAttention),
    contenders: [contender("fused", "fused", segmentAttention)],
    must: 8,
    aim: 14,
    rounds: 5,
    repeats: 4,
  });
}

await runBench(import.meta, figures);
