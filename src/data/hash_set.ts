/**
 * A set of 64-bit hashes in two flat arrays: 11 to 23 bytes a member, nothing for the garbage
 * collector to walk. A million rows' duplicates are found in about 16 MB.
 */

import type { Hash64 } from "./content_hash.ts";

const FULLEST = 0.7;

/** Holds hashes; open addressing with linear probing. Members cannot be taken out. */
export class HashSet {
  #high: Uint32Array;
  #low: Uint32Array;
  #size = 0;

  /**
   * Makes an empty set.
   *
   * @param capacity Slots to begin with; a power of two. Default 1024.
   */
  constructor(capacity = 1024) {
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
  }

  /** How many hashes it holds. */
  get size(): number {
    return this.#size;
  }

  /** Bytes the arrays take. */
  get sizeBytes(): number {
    return this.#high.byteLength + this.#low.byteLength;
  }

  /** Is the hash in the set? */
  has(hash: Hash64): boolean {
    const slot = this.#slot(hash.high, occupied(hash));
    return this.#low[slot] !== 0;
  }

  /** Puts a hash in; gives false where it was in already. */
  add(hash: Hash64): boolean {
    const low = occupied(hash);
    const slot = this.#slot(hash.high, low);
    if (this.#low[slot] !== 0) return false;
    this.#high[slot] = hash.high;
    this.#low[slot] = low;
    this.#size++;
    if (this.#size > this.#low.length * FULLEST) this.#grow();
    return true;
  }

  /** The hash's slot, or the empty one it would go to. */
  #slot(high: number, low: number): number {
    const mask = this.#low.length - 1;
    let slot = (high ^ low) & mask;
    while (this.#low[slot] !== 0 && (this.#low[slot] !== low || this.#high[slot] !== high)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #grow(): void {
    const high = this.#high, low = this.#low;
    this.#high = new Uint32Array(high.length * 2);
    this.#low = new Uint32Array(low.length * 2);
    for (let i = 0; i < low.length; i++) {
      if (low[i] === 0) continue;
      const slot = this.#slot(high[i]!, low[i]!);
      this.#high[slot] = high[i]!;
      this.#low[slot] = low[i]!;
    }
  }
}

/** A low word of 0 marks an empty slot, so the hash whose low word is 0 takes that of 1. */
function occupied(hash: Hash64): number {
  return hash.low === 0 ? 1 : hash.low;
}
