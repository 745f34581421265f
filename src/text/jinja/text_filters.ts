/** Jinja's filters that make text, numbers and defaults; those of lists are in list_filters.ts. */

import type { Arguments } from "./arguments.ts";
import { percentFormat } from "./percent_format.ts";
import { capitalize, replace, splitLines, strip } from "./string_methods.ts";
import {
  Float,
  isTrue,
  JinjaError,
  numberOf,
  Tuple,
  typeName,
  Undefined,
  undefinedError,
  type Value,
} from "./values.ts";
import { type JsonLayout, str, toJson } from "./write.ts";

/** A filter: its parameters after the value ("?" may be left out), and what it does. */
export type Filter = readonly [
  parameters: readonly string[],
  run: (value: Value, args: Arguments) => Value,
];

function tojson(value: Value, args: Arguments): string {
  const indent = args.get("indent");
  const pair = args.get("separators");
  const given = pair instanceof Tuple ? pair.items : Array.isArray(pair) ? pair : undefined;
  const separators = given?.map(str) ?? [args.has("indent") ? "," : ", ", ": "];
  if (separators.length !== 2) throw new JinjaError("tojson(): 'separators' must be two texts");
  const layout: JsonLayout = {
    ensureAscii: isTrue(args.get("ensure_ascii", false)),
    indent: args.has("indent")
      ? typeof indent === "string" ? indent : " ".repeat(args.int("indent", 0))
      : undefined,
    separators: [separators[0]!, separators[1]!],
    sortKeys: isTrue(args.get("sort_keys", false)),
  };
  return toJson(value, layout);
}

function indent(value: Value, args: Arguments): string {
  const width = args.get("width", 4);
  const space = typeof width === "string" ? width : " ".repeat(args.int("width", 4));
  const lines = splitLines(`${str(value)}\n`);
  const blank = isTrue(args.get("blank", false));
  const body = lines.map((line, at) => at > 0 && (line !== "" || blank) ? space + line : line);
  return (isTrue(args.get("first", false)) ? space : "") + body.join("\n");
}

function int(value: Value, args: Arguments): Value {
  const otherwise = args.get("default", 0);
  if (value instanceof Undefined) throw undefinedError(value);
  const number = numberOf(value);
  if (number !== undefined) return Number.isFinite(number) ? Math.trunc(number) : otherwise;
  if (typeof value !== "string") return otherwise;
  const text = strip(value).replace(/(?<=\d)_(?=\d)/g, "");
  const base = args.int("base", 10);
  if (base === 10 && /^[+-]?\d+$/.test(text)) return Number(text);
  if (base !== 10) {
    const digits = text.replace(/^0[xob]/i, "");
    const parsed = parseInt(digits, base);
    return parsed.toString(base) === digits.toLowerCase() ? parsed : otherwise;
  }
  const float = floatOf(text);
  return float === undefined || !Number.isFinite(float) ? otherwise : Math.trunc(float);
}

function floatOf(text: string): number | undefined {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return /^[+-]?nan$/i.test(text) ? NaN : undefined;
}

function float(value: Value, args: Arguments): Value {
  if (value instanceof Undefined) throw undefinedError(value);
  const number = numberOf(value) ??
    (typeof value === "string" ? floatOf(strip(value)) : undefined);
  return number === undefined ? args.get("default", new Float(0)) : new Float(number);
}

function round(value: Value, args: Arguments): Value {
  const number = numeric("round", value);
  const precision = args.int("precision", 0);
  if (precision > 50) throw new JinjaError("round(): 'precision' must be 50 or less");
  const method = args.text("method", "common");
  const scale = 10 ** precision;
  if (method === "ceil") return new Float(Math.ceil(number * scale) / scale);
  if (method === "floor") return new Float(Math.floor(number * scale) / scale);
  if (method !== "common") throw new JinjaError("round(): 'method' must be common, ceil or floor");
  if (!(value instanceof Float)) return precision >= 0 ? number : toEven(number * scale) / scale;
  const rounded = precision > 0 ? roundDigits(number, precision) : toEven(number * scale) / scale;
  return new Float(rounded);
}

/** Rounds the exact value of a double, where toFixed would round halves up. */
function roundDigits(number: number, precision: number): number {
  const exact = number.toFixed(100);
  const cut = exact.indexOf(".") + 1 + precision;
  const isHalf = /^50*$/.test(exact.slice(cut));
  return isHalf && Number(exact[cut - 1]) % 2 === 0
    ? Number(exact.slice(0, cut))
    : Number(number.toFixed(precision));
}

/** Python rounds halves to even. */
function toEven(number: number): number {
  const floor = Math.floor(number);
  if (number - floor !== 0.5) return Math.round(number);
  return floor % 2 === 0 ? floor : floor + 1;
}

function numeric(name: string, value: Value): number {
  if (value instanceof Undefined) throw undefinedError(value);
  const number = numberOf(value);
  if (number !== undefined) return number;
  throw new JinjaError(`${name}() takes a number, not ${typeName(value)}`);
}

const HTML: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
};
const escape: Filter = [[], (value) => str(value).replace(/[&<>'"]/g, (one) => HTML[one]!)];
const fallback: Filter = [
  ["default_value?", "boolean?"],
  (value, args) =>
    value instanceof Undefined || (isTrue(args.get("boolean", false)) && !isTrue(value))
      ? args.get("default_value", "")
      : value,
];

function title(text: string): string {
  return text.split(/([-\s({[<]+)/).map(capitalize).join("");
}

function center(value: Value, args: Arguments): string {
  const text = str(value);
  const missing = Math.max(0, args.int("width", 80) - [...text].length);
  const left = Math.floor(missing / 2) + (missing & args.int("width", 80) & 1);
  return " ".repeat(left) + text + " ".repeat(missing - left);
}

/** By name. */
export const TEXT_FILTERS: Readonly<Record<string, Filter>> = {
  abs: [
    [],
    (value) =>
      value instanceof Float ? new Float(Math.abs(value.value)) : Math.abs(numeric("abs", value)),
  ],
  capitalize: [[], (value) => capitalize(str(value))],
  center: [["width?"], center],
  d: fallback,
  default: fallback,
  e: escape,
  escape,
  float: [["default?"], float],
  indent: [["width?", "first?", "blank?"], indent],
  int: [["default?", "base?"], int],
  lower: [[], (value) => str(value).toLowerCase()],
  replace: [
    ["old", "new", "count?"],
    (value, args) =>
      replace(str(value), str(args.get("old")), str(args.get("new")), args.int("count", -1)),
  ],
  round: [["precision?", "method?"], round],
  safe: [[], (value) => value],
  string: [[], str],
  title: [[], (value) => title(str(value))],
  tojson: [["ensure_ascii?", "indent?", "separators?", "sort_keys?"], tojson],
  trim: [
    ["chars?"],
    (value, args) => strip(str(value), args.has("chars") ? args.text("chars") : undefined),
  ],
  upper: [[], (value) => str(value).toUpperCase()],
  wordcount: [[], (value) => str(value).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0],
};

/** The filter "format": the value with the arguments written into its % directives. */
export function formatFilter(
  value: Value,
  args: readonly Value[],
  keywords: ReadonlyMap<string, Value>,
): string {
  if (args.length > 0 && keywords.size > 0) {
    throw new JinjaError("format() takes arguments by place or by name, not both");
  }
  return percentFormat(
    str(value),
    keywords.size > 0 ? new Map<Value, Value>(keywords) : new Tuple(args),
  );
}
