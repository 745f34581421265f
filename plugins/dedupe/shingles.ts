/**
 * Texts as sets of word shingles, hashed: what near-duplicates are found by. Two texts that differ
 * in case, punctuation or spacing alone give the same set.
 */

/** Scripts written without spaces: each of their characters counts as a word. */
const UNSPACED = String
  .raw`[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}]`;
const WORD = new RegExp(`${UNSPACED}|(?:(?!${UNSPACED})[\\p{L}\\p{M}\\p{N}])+`, "gu");

/** The words of a text, in lower case, of one Unicode form, without punctuation. */
export function wordsOf(text: string): string[] {
  return text.normalize("NFKC").toLowerCase().match(WORD) ?? [];
}

/**
 * Hashes of every run of `size` words, sorted and without repeats; a shorter text is one shingle.
 */
export function shingles(words: readonly string[], size: number): Uint32Array {
  const hashes = new Set<number>();
  const last = Math.max(0, words.length - size);
  for (let at = 0; at <= last; at++) hashes.add(hashWords(words, at, at + size));
  return Uint32Array.from(hashes).sort();
}

/** Size of the intersection over size of the union, of two sorted sets; 1 for two empty ones. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let shared = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const left = a[i]!;
    const right = b[j]!;
    if (left === right) shared++;
    if (left <= right) i++;
    if (right <= left) j++;
  }
  const union = a.length + b.length - shared;
  return union === 0 ? 1 : shared / union;
}

/** FNV-1a over the UTF-16 units of some words, with a separator between them. */
function hashWords(words: readonly string[], from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < Math.min(to, words.length); at++) {
    const word = words[at]!;
    for (let i = 0; i < word.length; i++) {
      hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
    }
    hash = Math.imul(hash ^ 0x20, 0x01000193);
  }
  return hash >>> 0;
}
