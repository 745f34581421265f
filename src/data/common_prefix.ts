/**
 * The implicit prompt: what two answers share from their start.
 *
 * Strings: the longest common start, moved back to the start of a word (so no word is shared
 * between prompt and answer, and no character is cut in two); one space before that word goes
 * with the answers, as in TRL. Each answer keeps at least a word. Scripts without spaces are cut
 * between any two characters.
 */

import type { Message } from "./pair.ts";

/** A letter, mark, number or apostrophe of a script that separates words by spaces. */
const WORD_CHARACTER =
  /^(?:(?![\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}])[\p{L}\p{M}\p{N}_'’])/u;

/** How many leading characters (UTF-16 units) are the prompt of both texts. */
export function commonPrefixLength(chosen: string, rejected: string): number {
  let cut = 0;
  const shorter = Math.min(chosen.length, rejected.length);
  while (cut < shorter && chosen[cut] === rejected[cut]) cut++;
  do {
    cut = wordStart(chosen, rejected, cut);
    if (chosen[cut - 1] === " ") cut--;
    if (chosen.slice(cut).trim() !== "" && rejected.slice(cut).trim() !== "") return cut;
    cut--;
  } while (cut > 0);
  return 0;
}

/** Moves a cut back until it is in no word of either text and in no surrogate pair. */
function wordStart(chosen: string, rejected: string, from: number): number {
  let cut = from;
  const cutsPair = (text: string) => /^[\uDC00-\uDFFF]/.test(text.slice(cut, cut + 1));
  const cutsWord = (text: string) =>
    WORD_CHARACTER.test(characterBefore(text, cut)) &&
    WORD_CHARACTER.test(text.slice(cut, cut + 2));
  while (
    cut > 0 && (cutsPair(chosen) || cutsPair(rejected) || cutsWord(chosen) || cutsWord(rejected))
  ) cut--;
  return cut;
}

function characterBefore(text: string, at: number): string {
  const low = /^[\uDC00-\uDFFF]/.test(text.slice(at - 1, at));
  return text.slice(Math.max(at - (low ? 2 : 1), 0), at);
}

/** How many leading turns both conversations share. */
export function commonTurns(chosen: readonly Message[], rejected: readonly Message[]): number {
  let count = 0;
  const shorter = Math.min(chosen.length, rejected.length);
  while (count < shorter && sameTurn(chosen[count]!, rejected[count]!)) count++;
  return count;
}

/** Are two turns equal, tool calls and all? */
export function sameTurn(a: Message, b: Message): boolean {
  return a.role === b.role && a.content === b.content && extras(a) === extras(b);
}

function extras({ role: _role, content: _content, ...more }: Message): string {
  return JSON.stringify(more);
}
