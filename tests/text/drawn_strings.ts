/**
 * Makes the 10,000 strings of tests/golden/tokenizer_digests.py once more: cut out of real data, and
 * drawn from mixed alphabets. Whatever changes here changes there.
 */

import { gunzipSync } from "node:zlib";
import golden from "../golden/tokenizer_digests.json" with { type: "json" };

const DATA = "../shared/data/preference";

type Piece = string | [number, number];

/** Gives a number below a bound; 32 bits of state, the upper ones used. */
export function draws(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % bound;
  };
}

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return codePointCount(value) > 10 ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}

function codePointCount(text: string): number {
  return [...text].length;
}

function realTexts(): string[] {
  return golden.sources.flatMap((name) => {
    const raw = Deno.readFileSync(`${DATA}/${name}`);
    const text = new TextDecoder().decode(name.endsWith(".gz") ? gunzipSync(raw) : raw);
    if (!name.includes(".jsonl")) return textsOf(JSON.parse(text));
    return text.split("\n").filter((line) => line !== "").flatMap((line) =>
      textsOf(JSON.parse(line))
    );
  });
}

/** A string drawn from one alphabet, or from two. */
export function drawnString(number: number, below: (bound: number) => number): string {
  const alphabets = golden.alphabets as Piece[][];
  const alphabet = [...alphabets[number % alphabets.length]!];
  if (number % 3 === 2) alphabet.push(...alphabets[below(alphabets.length)]!);
  let text = "";
  for (let count = 1 + below(60); count > 0; count--) {
    const piece = alphabet[below(alphabet.length)]!;
    text += typeof piece === "string"
      ? piece
      : String.fromCodePoint(piece[0] + below(piece[1] - piece[0] + 1));
  }
  return text;
}

/** All strings, in the order of the golden file. */
export function drawnStrings(): string[] {
  const below = draws(20240312);
  const texts = realTexts().map((text) => [...text]);
  const strings: string[] = [];
  for (let i = 0; i < golden.real; i++) {
    const text = texts[below(texts.length)]!;
    const start = below(text.length);
    strings.push(text.slice(start, start + 1 + below(300)).join(""));
  }
  for (let i = 0; i < golden.drawn; i++) strings.push(drawnString(i, below));
  return strings;
}
