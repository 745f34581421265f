/** The methods of Python's str that templates call. Lengths and places count code points. */

import { Arguments } from "./arguments.ts";
import { isTrue, iterate, JinjaError, type Keywords, Tuple, type Value } from "./values.ts";

/** What Python's str.isspace accepts: JavaScript's \s has U+FEFF, and lacks U+001C to U+001F. */
const SPACE =
  "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const LEADING_SPACE = new RegExp(`^[${SPACE}]+`);
const NO_SPACE = new RegExp(`[^${SPACE}]+`, "g");
const ALL_SPACE = new RegExp(`^[${SPACE}]+$`);
const LINE_END = "(?:\\r\\n|[\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029])";
const LINE = new RegExp(`[^]*?(?:${LINE_END}|$)`, "g");
const LAST_LINE_END = new RegExp(`${LINE_END}$`);

/** Python's str.strip, at one end or both; without characters, white space goes. */
export function strip(
  text: string,
  characters?: string,
  ends: "both" | "left" | "right" = "both",
): string {
  if (characters === undefined) {
    const left = ends === "right" ? text : text.replace(LEADING_SPACE, "");
    return ends === "left" ? left : trimEnd(left);
  }
  const set = new Set(characters);
  const points = [...text];
  let [start, end] = [0, points.length];
  if (ends !== "right") { while (start < end && set.has(points[start]!)) start++; }
  if (ends !== "left") { while (end > start && set.has(points[end - 1]!)) end--; }
  return points.slice(start, end).join("");
}

/** Not by a pattern, whose time grows with the square of a run of spaces inside the text. */
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && ALL_SPACE.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/** Python's str.splitlines, with the ends. */
function linesWithEnds(text: string): string[] {
  return (text.match(LINE) ?? []).filter((line) => line !== "");
}

/** Python's str.splitlines, without the ends. */
export function splitLines(text: string): string[] {
  return linesWithEnds(text).map((line) => line.replace(LAST_LINE_END, ""));
}

/** Python's str.split and str.rsplit. */
export function split(
  text: string,
  separator: string | undefined,
  most = -1,
  right = false,
): string[] {
  if (separator === "") throw new JinjaError("empty separator");
  const pieces = separator === undefined ? wordsOf(text) : piecesOf(text, separator);
  const cuts = most < 0 ? pieces.length - 1 : Math.min(most, pieces.length - 1);
  if (pieces.length === 0) return [];
  const part = (from: number, to: number) => text.slice(pieces[from]!.start, pieces[to]!.end);
  const last = pieces.length - 1;
  if (right) {
    const head = part(0, last - cuts);
    const first = separator === undefined && cuts < last
      ? strip(text.slice(0, pieces[last - cuts]!.end), undefined, "right")
      : head;
    return [
      first,
      ...pieces.slice(last - cuts + 1).map(({ start, end }) => text.slice(start, end)),
    ];
  }
  const tail = separator === undefined && cuts < last
    ? strip(text.slice(pieces[cuts]!.start), undefined, "left")
    : part(cuts, last);
  return [...pieces.slice(0, cuts).map(({ start, end }) => text.slice(start, end)), tail];
}

type Piece = { start: number; end: number };

function wordsOf(text: string): Piece[] {
  return [...text.matchAll(NO_SPACE)].map(({ 0: word, index }) => ({
    start: index,
    end: index + word.length,
  }));
}

function piecesOf(text: string, separator: string): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  for (const piece of text.split(separator)) {
    pieces.push({ start, end: start + piece.length });
    start += piece.length + separator.length;
  }
  return pieces;
}

/** Python's str.replace. */
export function replace(text: string, old: string, by: string, count = -1): string {
  if (count < 0) return old === "" ? ["", ...text, ""].join(by) : text.replaceAll(old, () => by);
  if (old === "") {
    const points = [...text];
    const head = points.slice(0, Math.max(count - 1, 0)).map((point) => by + point).join("");
    const rest = points.slice(Math.max(count - 1, 0)).join("");
    return count === 0 ? text : head + by + rest;
  }
  const pieces = text.split(old);
  const head = pieces.slice(0, count + 1).join(by);
  return [head, ...pieces.slice(count + 1)].join(old);
}

/** Python's str.capitalize. */
export function capitalize(text: string): string {
  const [first = "", ...rest] = text;
  return first.toUpperCase() + rest.join("").toLowerCase();
}

function affix(args: Arguments, test: (affix: string) => boolean): boolean {
  const given = args.get("prefix");
  const options = given instanceof Tuple ? given.items : [given];
  return options.some((option) => {
    if (typeof option === "string") return test(option);
    throw new JinjaError("the first argument must be str or a tuple of str");
  });
}

function find(text: string, args: Arguments, last: boolean): number {
  const points = [...text];
  const bound = (name: string, otherwise: number) => {
    const at = args.has(name) ? args.int(name, 0) : otherwise;
    return Math.min(Math.max(at < 0 ? at + points.length : at, 0), points.length);
  };
  const [start, end] = [bound("start", 0), bound("end", points.length)];
  const part = points.slice(start, end).join("");
  const at = last ? part.lastIndexOf(args.text("sub")) : part.indexOf(args.text("sub"));
  return at < 0 || start > end ? -1 : start + [...part.slice(0, at)].length;
}

function partition(text: string, separator: string, last: boolean): Tuple {
  if (separator === "") throw new JinjaError("empty separator");
  const at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
  if (at < 0) return new Tuple(last ? ["", "", text] : [text, "", ""]);
  return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
}

/** Python's str.format for {} , {0} and {name} without a format specification. */
export function format(
  text: string,
  args: readonly Value[],
  keywords: Keywords,
  str: (value: Value) => string,
): string {
  let next = 0;
  return text.replace(/\{\{|\}\}|\{([^{}]*)\}/g, (whole, field?: string) => {
    if (field === undefined) return whole[0]!;
    if (!/^\w*$/.test(field)) throw new JinjaError(`the format field {${field}} is not supported`);
    const value = field === ""
      ? args[next++]
      : /^\d+$/.test(field)
      ? args[Number(field)]
      : keywords.get(field);
    if (value === undefined) throw new JinjaError(`format() lacks the value of {${field}}`);
    return str(value);
  });
}

type Method = readonly [
  parameters: readonly string[],
  run: (text: string, args: Arguments) => Value,
];

const characters = ["characters?"];
const stripped = (ends: "both" | "left" | "right"): Method => [
  characters,
  (text, args) => strip(text, args.has("characters") ? args.text("characters") : undefined, ends),
];
const splits = (right: boolean): Method => [
  ["sep?", "maxsplit?"],
  (text, args) =>
    split(text, args.has("sep") ? args.text("sep") : undefined, args.int("maxsplit", -1), right),
];
const matches = (pattern: RegExp): Method => [[], (text) => pattern.test(text)];
const found = (last: boolean, must: boolean): Method => [
  ["sub", "start?", "end?"],
  (text, args) => {
    const at = find(text, args, last);
    if (must && at < 0) throw new JinjaError("substring not found");
    return at;
  },
];
const fills = (pad: (text: string, missing: number, fill: string) => string): Method => [
  ["width", "fill?"],
  (text, args) =>
    pad(text, Math.max(0, args.int("width", 0) - [...text].length), args.text("fill", " ")),
];
const hasCase = (text: string, cased: string) =>
  text === cased && text.toLowerCase() !== text.toUpperCase();

/** By name; "format" and "join" are read by `stringMethod`'s caller, who can print values. */
const METHODS: Readonly<Record<string, Method>> = {
  upper: [[], (text) => text.toUpperCase()],
  lower: [[], (text) => text.toLowerCase()],
  casefold: [[], (text) => text.toLowerCase()],
  capitalize: [[], capitalize],
  title: [[], (text) => text.replace(/\p{L}+/gu, (word) => capitalize(word))],
  swapcase: [
    [],
    (text) =>
      [...text].map((c) => c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase()).join(""),
  ],
  strip: stripped("both"),
  lstrip: stripped("left"),
  rstrip: stripped("right"),
  split: splits(false),
  rsplit: splits(true),
  splitlines: [
    ["keepends?"],
    (text, args) => isTrue(args.get("keepends", false)) ? linesWithEnds(text) : splitLines(text),
  ],
  startswith: [["prefix"], (text, args) => affix(args, (prefix) => text.startsWith(prefix))],
  endswith: [["prefix"], (text, args) => affix(args, (suffix) => text.endsWith(suffix))],
  removeprefix: [
    ["prefix"],
    (text, args) =>
      text.startsWith(args.text("prefix")) ? text.slice(args.text("prefix").length) : text,
  ],
  removesuffix: [
    ["suffix"],
    (text, args) =>
      text.endsWith(args.text("suffix"))
        ? text.slice(0, text.length - args.text("suffix").length)
        : text,
  ],
  replace: [
    ["old", "new", "count?"],
    (text, args) => replace(text, args.text("old"), args.text("new"), args.int("count", -1)),
  ],
  find: found(false, false),
  rfind: found(true, false),
  index: found(false, true),
  rindex: found(true, true),
  count: [
    ["sub"],
    (text, args) =>
      args.text("sub") === "" ? [...text].length + 1 : text.split(args.text("sub")).length - 1,
  ],
  partition: [["sep"], (text, args) => partition(text, args.text("sep"), false)],
  rpartition: [["sep"], (text, args) => partition(text, args.text("sep"), true)],
  join: [["items"], (text, args) =>
    iterate(args.get("items")).map((item) => {
      if (typeof item === "string") return item;
      throw new JinjaError("join() takes texts alone");
    }).join(text)],
  ljust: fills((text, missing, fill) => text + fill.repeat(missing)),
  rjust: fills((text, missing, fill) => fill.repeat(missing) + text),
  zfill: [["width"], (text, args) => {
    const sign = /^[+-]/.exec(text)?.[0] ?? "";
    const missing = Math.max(0, args.int("width", 0) - [...text].length);
    return sign + "0".repeat(missing) + text.slice(sign.length);
  }],
  isspace: matches(ALL_SPACE),
  isdigit: matches(/^[\p{Nd}\u00b2\u00b3\u00b9\u2070-\u2089]+$/u),
  isdecimal: matches(/^\p{Nd}+$/u),
  isnumeric: matches(/^\p{N}+$/u),
  isalpha: matches(/^\p{L}+$/u),
  isalnum: matches(/^[\p{L}\p{N}]+$/u),
  isupper: [[], (text) => hasCase(text, text.toUpperCase())],
  islower: [[], (text) => hasCase(text, text.toLowerCase())],
};

/** Gives a method of a text, bound to it; undefined where there is none of that name. */
export function stringMethod(
  text: string,
  name: string,
): ((args: readonly Value[], keywords: Keywords) => Value) | undefined {
  if (!Object.hasOwn(METHODS, name)) return undefined;
  const [parameters, run] = METHODS[name]!;
  return (args, keywords) => run(text, new Arguments(name, parameters, args, keywords));
}
