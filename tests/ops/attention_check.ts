/** Runs attention over packed streams and compares values and gradients with float64. */

import { assertEquals } from "@std/assert";
import type { AttentionVariant } from "../../src/ops/attention/programs.ts";
import type { AttentionSettings } from "../../src/ops/attention/settings.ts";
import { segmentAttention } from "../../src/ops/attention/segment_attention.ts";
import { SegmentLayout } from "../../src/ops/attention/segments.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import {
  attentionReference,
  type AttentionSizes,
  type Lengths,
  type Sees,
} from "./attention_reference.ts";
import { assertClose, randomPlain } from "./check.ts";

/** Attention over a layout. */
export type Op = (
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  layout: SegmentLayout,
) => tf.Tensor3D;

/** The families of fused programs. */
export const variants: AttentionVariant[] = ["rows", "tiles"];

/** A family's programs. */
export const fused =
  (variant: AttentionVariant, settings: AttentionSettings = {}): Op => (q, k, v, layout) =>
    segmentAttention(q, k, v, layout, settings, variant);

/** Packs pairs. */
export function layoutOf(pairs: readonly Lengths[], tokens?: number): SegmentLayout {
  return SegmentLayout.ofPairs(
    pairs.map(([prompt, chosen, rejected]) => ({ prompt, chosen, rejected })),
    tokens,
  );
}

/** Value and gradients, the cotangent given. */
export async function results(
  op: Op,
  layout: SegmentLayout,
  inputs: readonly Float64Array[],
  { N, H, K, D }: AttentionSizes,
): Promise<Float32Array[]> {
  const before = tf.memory().numTensors;
  const shapes = [[N, H, D], [N, K, D], [N, K, D], [N, H, D]];
  const tensors = inputs.map((data, i) => tf.tensor(Float32Array.from(data), shapes[i]));
  const { value, grads } = tf.valueAndGrads((...[q, k, v]: tf.Tensor[]) =>
    op(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, layout)
  )(tensors.slice(0, 3), tensors[3] as tf.Tensor3D);
  const read: Float32Array[] = [];
  for (const tensor of [value, ...grads]) read.push(await readFloats(tensor));
  tf.dispose([value, ...grads, ...tensors]);
  layout.dispose();
  assertEquals(tf.memory().numTensors, before, "no tensor is left behind");
  return read;
}

/** q, k, v and the cotangent. */
export function randomInputs({ N, H, K, D }: AttentionSizes) {
  return [
    randomPlain([N, H, D], "q").data,
    randomPlain([N, K, D], "k").data,
    randomPlain([N, K, D], "v").data,
    randomPlain([N, H, D], "dY").data,
  ] as const;
}

/** Runs twice: the same bits, within 1e-5 of float64. */
export async function check(
  op: Op,
  layout: SegmentLayout,
  sizes: AttentionSizes,
  sees: Sees,
  settings: AttentionSettings = {},
) {
  const inputs = randomInputs(sizes);
  const { y, dQ, dK, dV } = attentionReference(sizes, sees, inputs, settings);
  const first = await results(op, layout, inputs, sizes);
  for (const [i, expected] of [y, dQ, dK, dV].entries()) {
    assertClose(`result ${i} of ${JSON.stringify(sizes)}`, first[i]!, expected, 1e-5);
  }
  assertEquals(await results(op, layout, inputs, sizes), first, "a second run: the same bits");
}
