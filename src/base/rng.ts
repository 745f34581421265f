/**
 * The one source of randomness: sfc32, seeded from text, with a state that a checkpoint can hold.
 * Not for secrets.
 */

import { createHash } from "node:crypto";

/** The four 32-bit words of a generator. */
export type RngState = [number, number, number, number];

/** A small, fast, seedable generator with a saveable state. */
export class Rng {
  #state: RngState;

  private constructor(state: RngState) {
    this.#state = state;
  }

  /** Makes a generator from any seed; equal seeds give equal streams. */
  static fromSeed(seed: string | number): Rng {
    const digest = createHash("sha256").update(String(seed)).digest();
    const rng = new Rng([0, 4, 8, 12].map((at) => digest.readUInt32LE(at)) as RngState);
    for (let i = 0; i < 12; i++) rng.uint32();
    return rng;
  }

  /** Continues from a state that `state()` gave. */
  static fromState(state: RngState): Rng {
    return new Rng([...state]);
  }

  /** The state, for a checkpoint. */
  state(): RngState {
    return [...this.#state];
  }

  /** An integer in [0, 2^32). */
  uint32(): number {
    const s = this.#state;
    const t = (((s[0] + s[1]) | 0) + s[3]) | 0;
    s[3] = (s[3] + 1) | 0;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = (s[2] + (s[2] << 3)) | 0;
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + t | 0;
    return t >>> 0;
  }

  /** A float in [0, 1) with 53 random bits. */
  next(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** An integer in [0, n). */
  int(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** A sample of the standard normal distribution (Box-Muller, one of the two kept). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }

  /** Shuffles in place (Fisher-Yates) and returns the same array. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    return items;
  }
}
