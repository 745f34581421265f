/**
 * dropout: y = x ⊙ keep / (1 - rate), keep[i] = hash(i, key) >= rate · 2³²
 *
 *     x, y: any one shape      dX = dY ⊙ keep / (1 - rate)
 *
 * Which elements go is a function of the key and the element's number alone, so nothing is saved:
 * the same key drops the same elements in the backward pass, in a block that is computed twice, and
 * on every backend. On webgpu one program (dropout.wgsl). Reference: `dropoutMask` and tf.mul.
 */

import { runElementwise } from "../tensor/elementwise.ts";
import { withGradient } from "../tensor/gradient.ts";
import { usesFused } from "../tensor/kernels.ts";
import { floatBits } from "../tensor/program.ts";
import { tf } from "../tensor/tf.ts";
import code from "./dropout.wgsl" with { type: "text" };

/** What is dropped. */
export interface Dropout {
  /** The share of elements that become 0, in (0, 1). */
  readonly rate: number;
  /** Two 32-bit words that decide which. */
  readonly key: readonly [number, number];
}

/** Drops elements and scales the others, so that the expected value stays. */
export function dropout<T extends tf.Tensor>(x: T, given: Dropout): T {
  return withGradient<T>([x], () => dropped(x, given), (dY) => [dropped(dY, given)]);
}

/** The same without a gradient, for use inside that of another operation. */
export function dropped<T extends tf.Tensor>(x: T, given: Dropout): T {
  if (!usesFused()) return tf.mul(x, tf.tensor(dropoutMask(x.size, given), x.shape)) as T;
  const [y] = runElementwise({
    key: "dropout",
    code,
    label: "dropout",
    inputs: [x],
    outputs: 1,
    uniforms: [...given.key, thresholdOf(given.rate), floatBits(scaleOf(given.rate))],
  });
  return y as T;
}

/** What each of `size` elements is multiplied with: 0, or 1 / (1 - rate). */
export function dropoutMask(size: number, { rate, key }: Dropout): Float32Array {
  const threshold = thresholdOf(rate);
  const scale = scaleOf(rate);
  return Float32Array.from({ length: size }, (_, i) => hashOf(i, key) >= threshold ? scale : 0);
}

function thresholdOf(rate: number): number {
  return Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1);
}

function scaleOf(rate: number): number {
  return Math.fround(1 / (1 - rate));
}

/** 32 bits of the element's number: a bijection of 32-bit words for each word of the key. */
function hashOf(i: number, [key0, key1]: Dropout["key"]): number {
  return mixed(mixed(i ^ key0) ^ key1) >>> 0;
}

function mixed(bits: number): number {
  let h = bits;
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
  h = Math.imul(h ^ (h >>> 15), 0xd35a2d97);
  return h ^ (h >>> 15);
}
