/**
 * 64-bit content hashes of pairs and prompts: what ids, duplicates, the split and sampling go by.
 * A pair's hash is of its texts and tools alone, so it is the same in every format, file and order.
 */

import { sha256 } from "../base/hash.ts";
import { pairText } from "./pair_text.ts";
import type { PairContent } from "./types/dataset_type.ts";

/** The first 64 bits of a SHA-256 digest, as two unsigned 32-bit words. */
export interface Hash64 {
  /** The more significant word. */
  readonly high: number;
  /** The less significant word. */
  readonly low: number;
}

/** Hashes text. */
export function hash64(text: string): Hash64 {
  const hex = sha256(text);
  return { high: parseInt(hex.slice(0, 8), 16), low: parseInt(hex.slice(8, 16), 16) };
}

/** The hash as 16 hexadecimal digits; a pair's id. */
export function hashId({ high, low }: Hash64): string {
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}

/** The hash as a number in [0, 1), evenly spread. */
export function hashFraction({ high, low }: Hash64): number {
  return (high * 2097152 + (low >>> 11)) / 9007199254740992;
}

/** Hashes a pair's content. */
export function pairHash(content: PairContent): Hash64 {
  const { prompt, chosen, rejected, tools } = content;
  return hash64(JSON.stringify([prompt, chosen, rejected, ...(tools ? [tools] : [])]));
}

/**
 * Hashes a prompt so that those a reader would call the same are the same: letter case, white
 * space and the form (text or turns) do not count. Undefined for an empty prompt.
 *
 * @param salt Changes every hash; pairs fall into other splits.
 */
export function promptHash(content: PairContent, salt: string): Hash64 | undefined {
  const plain = pairText(content.prompt).replace(/\s+/g, " ").trim().toLowerCase();
  return plain === "" ? undefined : hash64(`${salt}\n${plain}`);
}
