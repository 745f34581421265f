/** Values as text: Python's str and repr, and json.dumps, character for character. */

import {
  Attributes,
  Float,
  JinjaError,
  Lazy,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** Python's str; what is undefined is empty. */
export function str(value: Value): string {
  if (typeof value === "string") return value;
  return value instanceof Undefined ? "" : repr(value);
}

/** Python's repr. */
export function repr(value: Value): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return intText(value);
  if (typeof value === "string") return quote(value);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Undefined) return "Undefined";
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  if (value instanceof Tuple) {
    const comma = value.items.length === 1 ? "," : "";
    return `(${value.items.map(repr).join(", ")}${comma})`;
  }
  if (value instanceof Map) {
    return `{${[...value].map(([key, item]) => `${repr(key)}: ${repr(item)}`).join(", ")}}`;
  }
  if (value instanceof Attributes || value instanceof Lazy) {
    throw new JinjaError(`a ${typeName(value)} cannot be printed`);
  }
  throw new JinjaError("a function cannot be printed; call it");
}

function intText(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : BigInt(value).toString();
}

/** Python's repr of a float: the shortest digits, an exponent from 1e16 and below 1e-4. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const size = Math.abs(value);
  if (size >= 1e16 || (size < 1e-4 && size > 0)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  const text = Object.is(value, -0) ? "-0" : String(value);
  return text.includes(".") ? text : `${text}.0`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** What Python does not print as it is: controls, unassigned and private characters, separators. */
const UNPRINTABLE = /[\\\n\r\t]|(?! )[\p{C}\p{Z}]/gu;

function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(
    UNPRINTABLE,
    (character) => ESCAPES[character] ?? codeEscape(character),
  );
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

function codeEscape(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = (length: number) => code.toString(16).padStart(length, "0");
  if (code <= 0xff) return `\\x${hex(2)}`;
  return code <= 0xffff ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}

/** json.dumps's options, as the filter tojson takes them. */
export interface JsonLayout {
  /** Whether characters beyond ASCII become escapes. */
  ensureAscii: boolean;
  /** A level's indentation; undefined: all on one line. */
  indent?: string;
  /** Between items, and between key and value. */
  separators: readonly [string, string];
  /** Whether keys are sorted by code point. */
  sortKeys: boolean;
}

/** Python's json.dumps. */
export function toJson(value: Value, layout: JsonLayout, depth = 0): string {
  if (value === null) return "null";
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return intText(value);
  if (typeof value === "string") return jsonString(value, layout.ensureAscii);
  if (value instanceof Float) return jsonFloat(value.value);
  const list = value instanceof Tuple ? value.items : value;
  const inner = (items: string[], open: string, close: string) => {
    if (items.length === 0) return open + close;
    const line = (level: number) =>
      layout.indent === undefined ? "" : `\n${layout.indent.repeat(level)}`;
    return open + line(depth + 1) + items.join(layout.separators[0] + line(depth + 1)) +
      line(depth) + close;
  };
  if (Array.isArray(list)) {
    return inner((list as Value[]).map((item) => toJson(item, layout, depth + 1)), "[", "]");
  }
  if (!(value instanceof Map)) {
    throw new JinjaError(`Object of type ${typeName(value)} is not JSON serializable`);
  }
  const entries = [...value].map(([key, item]) => [jsonKey(key), item] as const);
  if (layout.sortKeys) entries.sort(([a], [b]) => compareText(a, b));
  const members = entries.map(([key, item]) =>
    jsonString(key, layout.ensureAscii) + layout.separators[1] + toJson(item, layout, depth + 1)
  );
  return inner(members, "{", "}");
}

function jsonKey(key: Value): string {
  if (typeof key === "string") return key;
  if (key === null) return "null";
  if (typeof key === "boolean") return String(key);
  if (typeof key === "number" || key instanceof Float) return repr(key);
  throw new JinjaError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  return floatText(value);
}

function jsonString(text: string, ensureAscii: boolean): string {
  // JSON.stringify escapes halves of surrogate pairs, which no text that was read has.
  const quoted = JSON.stringify(text);
  if (!ensureAscii) return quoted;
  const escape = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return quoted.replace(/[\x7f-\uffff]/g, escape);
}

/** Orders texts by code point, as Python does. */
export function compareText(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let at = 0; at < left.length && at < right.length; at++) {
    const difference = left[at]!.codePointAt(0)! - right[at]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
