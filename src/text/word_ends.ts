/**
 * Where the words of a text end, by the two rules that byte-pair tokenizers split by. Each rule is
 * a function of the text and the place a word starts at; words follow each other without a gap.
 */

/** Gives where the word that starts at `start` ends: more than `start`, the text's length at most. */
export type WordEnd = (text: string, start: number) => number;

/** The whole text is one word. */
export const wholeText: WordEnd = (text) => text.length;

const SPACE = 0x20;
const APOSTROPHE = 0x27;
const METASPACE = 0x2581;

const OTHER = 1;
const LETTER = 2;
const NUMBER = 3;
const WHITE = 4;

/** The class of every code unit that is a character by itself; 0 where it was not asked for yet. */
const classes = new Uint8Array(1 << 16);

function classOf(character: string): number {
  if (/\p{L}/u.test(character)) return LETTER;
  if (/\p{N}/u.test(character)) return NUMBER;
  return /\p{White_Space}/u.test(character) ? WHITE : OTHER;
}

function classAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (isSurrogate(unit)) return classOf(text.slice(at, at + sizeAt(text, at)));
  return classes[unit] ||= classOf(text[at]!);
}

function isSurrogate(unit: number): boolean {
  return (unit & 0xf800) === 0xd800;
}

/**
 * Code units of the character at a place. Not by codePointAt: optimized by V8 15.0 (Maglev) it
 * looks past the end of a slice into the text that it was cut from.
 */
function sizeAt(text: string, at: number): number {
  const isPair = (text.charCodeAt(at) & 0xfc00) === 0xd800 && at + 1 < text.length &&
    (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
  return isPair ? 2 : 1;
}

function runEnd(text: string, start: number, kind: number): number {
  let at = start;
  while (at < text.length && classAt(text, at) === kind) {
    at += isSurrogate(text.charCodeAt(at)) ? sizeAt(text, at) : 1;
  }
  return at;
}

/** How numbers are set apart before anything else is: not, each by itself, or each run of them. */
export type DigitSplit = "no" | "each" | "runs";

/**
 * GPT-2's words: an English contraction's ending; letters, numbers or other characters with a space
 * before them; white space, but for its last character where something follows. The same as
 *
 *     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *
 * with Unicode's white space for \s, several times as fast. Where numbers were set apart, what is
 * between them is split as texts of its own: a space before a number is the end of one.
 */
export function byteLevelWordEnd(digits: DigitSplit): WordEnd {
  return (text, start) => {
    const unit = text.charCodeAt(start);
    if (unit === APOSTROPHE) {
      const length = contraction(text, start);
      if (length > 0) return start + length;
    }
    const afterSpace = unit === SPACE && start + 1 < text.length;
    const from = afterSpace ? start + 1 : start;
    const kind = classAt(text, from);
    if (kind === NUMBER && digits !== "no") {
      if (afterSpace) return from;
      return digits === "each" ? start + sizeAt(text, start) : runEnd(text, start, NUMBER);
    }
    if (kind !== WHITE) return runEnd(text, from, kind);
    const end = runEnd(text, start, WHITE);
    if (end === text.length || end === start + 1) return end;
    return digits !== "no" && classAt(text, end) === NUMBER ? end : end - 1;
  };
}

/** The length of a contraction's ending at a place, 0 where there is none. */
function contraction(text: string, at: number): number {
  switch (text[at + 1]) {
    case "s":
    case "t":
    case "m":
    case "d":
      return 2;
    case "r":
    case "v":
      return text[at + 2] === "e" ? 3 : 0;
    case "l":
      return text[at + 2] === "l" ? 3 : 0;
    default:
      return 0;
  }
}

/** Words that begin with metaspaces, U+2581: "▁▁the", "▁end". */
export const metaspaceWordEnd: WordEnd = (text, start) => {
  let at = start;
  while (at < text.length && text.charCodeAt(at) === METASPACE) at++;
  while (at < text.length && text.charCodeAt(at) !== METASPACE) at++;
  return at;
};
