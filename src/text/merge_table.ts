/**
 * The merges of a byte-pair encoding, by the ids of both parts, in flat arrays; and the merging of
 * a row of ids by them.
 */

const EMPTY = -1;

/** The rank of a pair that is never merged, after all others. */
const NEVER = 0x7fffffff;

/** Rows of up to so many ids are merged by looking over all of them. */
const SHORT = 32;

/** Merges by pair of ids: open addressing with linear probing, at most half full. */
export class MergeTable {
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  readonly #rank: Int32Array;
  readonly #merged: Int32Array;
  readonly #shift: number;
  /** Of the pairs of a short row, for as long as it is merged. */
  readonly #ranks = new Int32Array(SHORT);

  /**
   * Makes the table.
   *
   * @throws Error where a merge has a part or a result that is no token; so does the Rust library.
   */
  static of(
    vocab: ReadonlyMap<string, number>,
    merges: readonly (readonly [string, string])[],
  ): MergeTable {
    const table = new MergeTable(merges.length);
    for (let rank = 0; rank < merges.length; rank++) {
      const [left, right] = merges[rank]!;
      const [a, b, merged] = [vocab.get(left), vocab.get(right), vocab.get(left + right)];
      if (a === undefined || b === undefined || merged === undefined) {
        const token = [left, right, left + right].find((part) => !vocab.has(part));
        throw new Error(`merge ${rank} is of ${JSON.stringify(token)}, which is no token`);
      }
      table.#put(a, b, rank, merged);
    }
    return table;
  }

  private constructor(count: number) {
    const bits = Math.max(4, Math.ceil(Math.log2(count + 1)) + 1);
    const size = 2 ** bits;
    this.#shift = 32 - bits;
    this.#left = new Int32Array(size).fill(EMPTY);
    this.#right = new Int32Array(size);
    this.#rank = new Int32Array(size);
    this.#merged = new Int32Array(size);
  }

  /** Of a pair listed twice the later rank holds. */
  #put(left: number, right: number, rank: number, merged: number): void {
    const slot = this.#slot(left, right);
    this.#left[slot] = left;
    this.#right[slot] = right;
    this.#rank[slot] = rank;
    this.#merged[slot] = merged;
  }

  /** The pair's slot, or the empty one it would go to. */
  #slot(left: number, right: number): number {
    const mask = this.#left.length - 1;
    let slot = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> this.#shift;
    while (
      this.#left[slot] !== EMPTY && (this.#left[slot] !== left || this.#right[slot] !== right)
    ) slot = (slot + 1) & mask;
    return slot;
  }

  /** When a pair's turn is; `NEVER` where it is not merged. */
  #rankOf(left: number, right: number): number {
    const slot = this.#slot(left, right);
    return this.#left[slot] === EMPTY ? NEVER : this.#rank[slot]!;
  }

  /** Merges a row of ids as far as it goes. */
  merge(symbols: number[]): number[] {
    return symbols.length <= SHORT ? this.#mergeShort(symbols) : this.#mergeLong(symbols);
  }

  /** Looks over the whole row before each merge: the quickest for a word. */
  #mergeShort(ids: number[]): number[] {
    const ranks = this.#ranks;
    let last = ids.length - 1;
    for (let at = 0; at < last; at++) ranks[at] = this.#rankOf(ids[at]!, ids[at + 1]!);
    while (true) {
      let [best, least] = [-1, NEVER];
      for (let at = 0; at < last; at++) {
        if (ranks[at]! >= least) continue;
        least = ranks[at]!;
        best = at;
      }
      if (best < 0) break;
      ids[best] = this.#merged[this.#slot(ids[best]!, ids[best + 1]!)]!;
      last--;
      for (let at = best + 1; at <= last; at++) {
        ids[at] = ids[at + 1]!;
        ranks[at] = ranks[at + 1]!;
      }
      if (best < last) ranks[best] = this.#rankOf(ids[best]!, ids[best + 1]!);
      if (best > 0) ranks[best - 1] = this.#rankOf(ids[best - 1]!, ids[best]!);
    }
    ids.length = last + 1;
    return ids;
  }

  /** Keeps candidates in a heap by rank and place: n log n for texts without a space. */
  #mergeLong(ids: number[]): number[] {
    const count = ids.length;
    const next = Int32Array.from(ids, (_, at) => at + 1);
    const previous = Int32Array.from(ids, (_, at) => at - 1);
    const ranks = new Int32Array(count).fill(NEVER);
    const heap = new MinHeap();
    const consider = (at: number) => {
      const after = next[at]!;
      ranks[at] = after < count ? this.#rankOf(ids[at]!, ids[after]!) : NEVER;
      if (ranks[at] !== NEVER) heap.push(ranks[at]! * PLACES + at);
    };
    for (let at = 0; at < count; at++) consider(at);
    for (let key; (key = heap.pop()) !== undefined;) {
      const at = key % PLACES;
      // The candidate is stale where one of its parts was merged with another since.
      if (ranks[at] !== Math.floor(key / PLACES)) continue;
      const gone = next[at]!;
      ids[at] = this.#merged[this.#slot(ids[at]!, ids[gone]!)]!;
      ranks[gone] = NEVER;
      next[at] = next[gone]!;
      if (next[at]! < count) previous[next[at]!] = at;
      consider(at);
      if (previous[at]! >= 0) consider(previous[at]!);
    }
    const merged: number[] = [];
    for (let at = 0; at < count; at = next[at]!) merged.push(ids[at]!);
    return merged;
  }
}

/** A heap's key is rank * PLACES + place; both stay exact in a float. */
const PLACES = 2 ** 31;

/** A binary heap of numbers, the least first. */
class MinHeap {
  readonly #keys: number[] = [];

  push(key: number): void {
    const keys = this.#keys;
    let at = keys.length;
    keys.push(key);
    for (let up; at > 0 && keys[up = (at - 1) >> 1]! > key; at = up) keys[at] = keys[up]!;
    keys[at] = key;
  }

  pop(): number | undefined {
    const keys = this.#keys;
    const least = keys[0];
    const last = keys.pop();
    if (last === undefined || keys.length === 0) return least;
    let at = 0;
    while (true) {
      let down = 2 * at + 1;
      if (down >= keys.length) break;
      if (down + 1 < keys.length && keys[down + 1]! < keys[down]!) down++;
      if (keys[down]! >= last) break;
      keys[at] = keys[down]!;
      at = down;
    }
    keys[at] = last;
    return least;
  }
}
