/** Damage to a file's bytes, whatever they mean: the same generator gives the same damage. */

import type { Rng } from "../../src/base/rng.ts";

/** Integers at which readers err. */
const HOSTILE: readonly bigint[] = [
  0n,
  1n,
  2n,
  0x7fn,
  0xffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  (1n << 53n) - 1n,
  1n << 53n,
  1n << 60n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
];

type Bytes = Uint8Array<ArrayBuffer>;

/** Gives a place in the bytes, mostly where damage tells. */
export type Aim = (rng: Rng, bytes: Bytes) => number;

/** Most often the first bytes, where headers are. */
export const atHead: Aim = (rng, bytes) =>
  rng.int(rng.int(4) === 0 ? bytes.length : Math.min(bytes.length, 400));

/** Anywhere alike. */
export const anywhere: Aim = (rng, bytes) => rng.int(bytes.length);

type Damage = (rng: Rng, bytes: Bytes, place: Aim) => Bytes;

function integer(rng: Rng, bytes: Bytes, width: number, place: Aim): Bytes {
  const at = place(rng, bytes);
  let value = rng.int(3) === 0
    ? BigInt(rng.int(2 * bytes.length))
    : HOSTILE[rng.int(HOSTILE.length)]!;
  const copy = bytes.slice();
  for (let i = at; i < Math.min(at + width, copy.length); i++, value >>= 8n) {
    copy[i] = Number(value & 0xffn);
  }
  return copy;
}

/** A copy with `put` in place of `removed` bytes at a place. */
export function splice(bytes: Bytes, at: number, removed: number, put: Uint8Array): Bytes {
  const copy = new Uint8Array(bytes.length - removed + put.length);
  copy.set(bytes.subarray(0, at));
  copy.set(put, at);
  copy.set(bytes.subarray(at + removed), at + put.length);
  return copy;
}

/** A stretch of up to 64 bytes. */
function stretch(rng: Rng, bytes: Bytes, place: Aim): [number, number] {
  const at = place(rng, bytes);
  return [at, Math.min(1 + rng.int(64), bytes.length - at)];
}

const DAMAGES: readonly Damage[] = [
  (rng, bytes, place) => bytes.with(place(rng, bytes), rng.int(256)),
  (rng, bytes, place) => {
    const at = place(rng, bytes);
    return bytes.with(at, bytes[at]! ^ 1 << rng.int(8));
  },
  (rng, bytes, place) => integer(rng, bytes, 4, place),
  (rng, bytes, place) => integer(rng, bytes, 8, place),
  (rng, bytes) => bytes.slice(0, rng.int(bytes.length)),
  (rng, bytes) => splice(bytes, bytes.length, 0, new Uint8Array(1 + rng.int(100))),
  (rng, bytes, place) => {
    const [at, length] = stretch(rng, bytes, place);
    return splice(bytes, at, length, new Uint8Array());
  },
  (rng, bytes, place) => {
    const [at, length] = stretch(rng, bytes, place);
    return splice(bytes, at, 0, bytes.slice(at, at + length));
  },
  (rng, bytes, place) => {
    const [at, length] = stretch(rng, bytes, place);
    const to = place(rng, bytes);
    return splice(bytes, to, Math.min(length, bytes.length - to), bytes.slice(at, at + length));
  },
];

/** Gives a damaged copy: one to three damages of random kinds. */
export function mutate(rng: Rng, bytes: Uint8Array, place: Aim = atHead): Bytes {
  let damaged = bytes.slice() as Bytes;
  for (let i = rng.int(3); i >= 0 && damaged.length > 0; i--) {
    damaged = DAMAGES[rng.int(DAMAGES.length)]!(rng, damaged, place);
  }
  return damaged;
}
