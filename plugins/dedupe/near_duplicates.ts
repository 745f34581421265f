/**
 * An index of texts that finds an earlier near-duplicate of a new one: MinHash signatures cut into
 * bands (Broder 1997; Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", ch. 3) give the
 * candidates, the exact Jaccard similarity decides.
 *
 * Keeps four bytes a shingle of every text that was added.
 */

import { jaccard } from "./shingles.ts";

const SIGNATURE_LENGTH = 128;
const WANTED_RECALL = 0.99;

/** An earlier text that is like a new one. */
export interface NearDuplicate {
  /** As given to `add`. */
  readonly id: string;
  /** Jaccard similarity of the shingles, 0 to 1. */
  readonly similarity: number;
}

/** Finds near-duplicates among the texts added so far. */
export class NearDuplicateIndex {
  readonly #threshold: number;
  readonly #rowsPerBand: number;
  readonly #buckets = new Map<string, number[]>();
  readonly #ids: string[] = [];
  readonly #sets: Uint32Array[] = [];

  /** @param threshold Similarity from which two texts count as duplicates, in (0, 1]. */
  constructor(threshold: number) {
    this.#threshold = threshold;
    this.#rowsPerBand = rowsPerBand(threshold);
  }

  /** The most similar earlier text at or above the threshold; otherwise adds this one. */
  findOrAdd(id: string, shingles: Uint32Array): NearDuplicate | undefined {
    const keys = this.#bandKeys(shingles);
    const candidates = new Set(keys.flatMap((key) => this.#buckets.get(key) ?? []));
    let best: NearDuplicate | undefined;
    for (const candidate of candidates) {
      const similarity = jaccard(shingles, this.#sets[candidate]!);
      if (similarity >= this.#threshold && similarity > (best?.similarity ?? 0)) {
        best = { id: this.#ids[candidate]!, similarity };
      }
    }
    if (!best) this.#add(id, shingles, keys);
    return best;
  }

  #add(id: string, shingles: Uint32Array, keys: readonly string[]): void {
    const at = this.#ids.push(id) - 1;
    this.#sets.push(shingles);
    for (const key of keys) {
      const bucket = this.#buckets.get(key);
      if (bucket) bucket.push(at);
      else this.#buckets.set(key, [at]);
    }
  }

  #bandKeys(shingles: Uint32Array): string[] {
    const signature = minHash(shingles);
    const rows = this.#rowsPerBand;
    return Array.from(
      { length: SIGNATURE_LENGTH / rows },
      (_, band) => `${band}:${signature.subarray(band * rows, (band + 1) * rows).join(",")}`,
    );
  }
}

/** The widest bands that still catch 99% of the pairs just at the threshold. */
export function rowsPerBand(threshold: number): number {
  let best = 1;
  for (let rows = 1; rows <= SIGNATURE_LENGTH; rows *= 2) {
    const recall = 1 - (1 - threshold ** rows) ** (SIGNATURE_LENGTH / rows);
    if (recall >= WANTED_RECALL) best = rows;
  }
  return best;
}

/** For each of 128 hash functions, the least hash of any member of the set. */
function minHash(shingles: Uint32Array): Uint32Array {
  const signature = new Uint32Array(SIGNATURE_LENGTH).fill(0xffffffff);
  for (const shingle of shingles) {
    for (let i = 0; i < SIGNATURE_LENGTH; i++) {
      const hash = mix(shingle ^ Math.imul(i + 1, 0x9e3779b1));
      if (hash < signature[i]!) signature[i] = hash;
    }
  }
  return signature;
}

/** MurmurHash3's finalizer: spreads every bit over the whole word. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
