/** Damage to files, for fuzzing readers: the same seed gives the same cases. */

import type { Rng } from "../../src/base/rng.ts";

/** How many cases a fuzz test runs: FUZZ_CASES, or 20,000. */
export const FUZZ_CASES = Number(Deno.env.get("FUZZ_CASES") ?? 20_000);

/** Where a fuzz test's cases come from, printed for the one who repeats them: FUZZ_SEED, or now. */
export function fuzzSeed(reader: string): string {
  const seed = Deno.env.get("FUZZ_SEED") ?? String(Date.now());
  console.log(`fuzzing ${reader}: FUZZ_SEED=${seed} FUZZ_CASES=${FUZZ_CASES}`);
  return seed;
}

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

type Damage = (rng: Rng, bytes: Uint8Array) => Uint8Array;

/** Where to damage: mostly in the first bytes, where headers are. */
function place(rng: Rng, bytes: Uint8Array): number {
  return rng.int(rng.int(4) === 0 ? bytes.length : Math.min(bytes.length, 400));
}

function integer(rng: Rng, bytes: Uint8Array, width: number): Uint8Array {
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

function splice(bytes: Uint8Array, at: number, removed: number, put: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length - removed + put.length);
  copy.set(bytes.subarray(0, at));
  copy.set(put, at);
  copy.set(bytes.subarray(at + removed), at + put.length);
  return copy;
}

/** A stretch of up to 64 bytes. */
function stretch(rng: Rng, bytes: Uint8Array): [number, number] {
  const at = place(rng, bytes);
  return [at, Math.min(1 + rng.int(64), bytes.length - at)];
}

const DAMAGES: readonly Damage[] = [
  (rng, bytes) => bytes.with(place(rng, bytes), rng.int(256)),
  (rng, bytes) => {
    const at = place(rng, bytes);
    return bytes.with(at, bytes[at]! ^ 1 << rng.int(8));
  },
  (rng, bytes) => integer(rng, bytes, 4),
  (rng, bytes) => integer(rng, bytes, 8),
  (rng, bytes) => bytes.slice(0, rng.int(bytes.length)),
  (rng, bytes) => splice(bytes, bytes.length, 0, new Uint8Array(1 + rng.int(100))),
  (rng, bytes) => {
    const [at, length] = stretch(rng, bytes);
    return splice(bytes, at, length, new Uint8Array());
  },
  (rng, bytes) => {
    const [at, length] = stretch(rng, bytes);
    return splice(bytes, at, 0, bytes.slice(at, at + length));
  },
  (rng, bytes) => {
    const [at, length] = stretch(rng, bytes);
    const to = place(rng, bytes);
    return splice(bytes, to, Math.min(length, bytes.length - to), bytes.slice(at, at + length));
  },
];

/** Gives a damaged copy: one to three damages of random kinds. */
export function mutate(rng: Rng, bytes: Uint8Array): Uint8Array {
  let damaged = bytes;
  for (let i = rng.int(3); i >= 0 && damaged.length > 0; i--) {
    damaged = DAMAGES[rng.int(DAMAGES.length)]!(rng, damaged);
  }
  return damaged;
}
