/**
 * Remembers the ids of words, in flat arrays that never grow: looking a word up makes no string and
 * leaves the garbage collector nothing to do. When it is full it forgets everything; the words of
 * a language are soon there again.
 */

/** The most words; memory is about 6 MB. */
const WORDS = 1 << 16;

/** Slots of the hash table, twice as many. */
const SLOT_BITS = 17;

/** Code units and ids kept for each word, on average. */
const UNITS_A_WORD = 16;
const IDS_A_WORD = 4;

/** Numbers kept of a word: hash, place in #units, lengths of both, the id or its place in #ids. */
const STRIDE = 4;

/** Longer words are not kept, nor are words of more ids. */
export const LONGEST_WORD = 64;

/** A bounded map from words, given as a part of a text, to ids. */
export class WordMemory {
  readonly #slots = new Int32Array(1 << SLOT_BITS);
  readonly #words = new Int32Array(WORDS * STRIDE);
  readonly #units = new Uint16Array(WORDS * UNITS_A_WORD);
  readonly #ids = new Int32Array(WORDS * IDS_A_WORD);
  #size = 0;
  #unitsUsed = 0;
  #idsUsed = 0;

  /** Adds the ids of text[start, end) to `ids`; false, with nothing added, where it is not known. */
  recall(text: string, start: number, end: number, ids: number[]): boolean {
    const words = this.#words;
    const word = this.#slots[this.#slot(text, start, end, hashOf(text, start, end))]!;
    if (word === 0) return false;
    const at = (word - 1) * STRIDE;
    const count = words[at + 2]! & 0xff;
    const from = words[at + 3]!;
    if (count === 1) ids.push(from);
    else for (let i = from; i < from + count; i++) ids.push(this.#ids[i]!);
    return true;
  }

  /** Keeps the ids of text[start, end), a word that is not known yet. */
  keep(text: string, start: number, end: number, ids: readonly number[]): void {
    const length = end - start;
    if (length > LONGEST_WORD || ids.length > LONGEST_WORD) return;
    const isFull = this.#size === WORDS || this.#unitsUsed + length > this.#units.length ||
      this.#idsUsed + ids.length > this.#ids.length;
    if (isFull) this.#forget();
    const hash = hashOf(text, start, end);
    const at = this.#size * STRIDE;
    this.#words[at] = hash;
    this.#words[at + 1] = this.#unitsUsed;
    this.#words[at + 2] = length << 8 | ids.length;
    this.#words[at + 3] = ids.length === 1 ? ids[0]! : this.#idsUsed;
    this.#slots[this.#slot(text, start, end, hash)] = ++this.#size;
    for (let i = start; i < end; i++) this.#units[this.#unitsUsed++] = text.charCodeAt(i);
    if (ids.length !== 1) { for (const id of ids) this.#ids[this.#idsUsed++] = id; }
  }

  #forget(): void {
    this.#slots.fill(0);
    this.#size = this.#unitsUsed = this.#idsUsed = 0;
  }

  /** The slot that holds the word, or the empty one it would go to. */
  #slot(text: string, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash >>> (32 - SLOT_BITS);
    while (slots[slot] !== 0 && !this.#is(slots[slot]! - 1, text, start, end, hash)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #is(word: number, text: string, start: number, end: number, hash: number): boolean {
    const at = word * STRIDE;
    const words = this.#words;
    if (words[at] !== hash || words[at + 2]! >>> 8 !== end - start) return false;
    const shift = words[at + 1]! - start;
    for (let i = start; i < end; i++) {
      if (this.#units[i + shift] !== text.charCodeAt(i)) return false;
    }
    return true;
  }
}

/** A signed 32-bit hash whose upper bits are well mixed. */
function hashOf(text: string, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return Math.imul(hash, 0x85ebca6b) | 0;
}
