/** Python's text % values, which templates also reach as the filter "format". */

import { Float, JinjaError, numberOf, Tuple, typeName, type Value } from "./values.ts";
import { repr, str } from "./write.ts";

const DIRECTIVE = /%(?:\((\w+)\))?([-+ 0#]*)(\d+)?(?:\.(\d+))?(.)/gs;

/**
 * Writes values into a text with %s, %r, %d, %i, %f, %x, %% and their like.
 *
 * @throws JinjaError for another directive, and where values are missing, of another type or left over.
 */
export function percentFormat(text: string, values: Value): string {
  const list = values instanceof Tuple ? values.items : [values];
  let next = 0;
  let named = false;
  const written = text.replace(DIRECTIVE, (...match: (string | undefined)[]) => {
    const [, key, flags = "", width, precision, letter] = match;
    if (letter === "%") return "%";
    let value: Value | undefined;
    if (key !== undefined && values instanceof Map) {
      named = true;
      value = values.get(key);
    } else value = list[next++];
    if (value === undefined) throw new JinjaError("not enough arguments for format string");
    const body = directive(letter!, value, precision === undefined ? undefined : Number(precision));
    return pad(body, flags, Number(width ?? 0));
  });
  if (!named && next < list.length && !(values instanceof Map)) {
    throw new JinjaError("not all arguments converted during string formatting");
  }
  return written;
}

function directive(letter: string, value: Value, precision: number | undefined): string {
  if (letter === "s" || letter === "r") {
    const text = letter === "s" ? str(value) : repr(value);
    return precision === undefined ? text : [...text].slice(0, precision).join("");
  }
  const number = numberOf(value);
  if (number === undefined) {
    throw new JinjaError(`%${letter} format: a number is required, not ${typeName(value)}`);
  }
  if (letter === "d" || letter === "i") return String(Math.trunc(number));
  if (letter === "f" || letter === "F") return number.toFixed(precision ?? 6);
  if ((letter === "x" || letter === "X") && !(value instanceof Float)) {
    const hex = number.toString(16);
    return letter === "x" ? hex : hex.toUpperCase();
  }
  throw new JinjaError(`the format %${letter} is not supported`);
}

function pad(body: string, flags: string, width: number): string {
  const signed = flags.includes("+") && /^\d/.test(body) ? `+${body}` : body;
  if (flags.includes("-")) return signed.padEnd(width);
  if (!flags.includes("0")) return signed.padStart(width);
  const sign = /^[+-]/.exec(signed)?.[0] ?? "";
  return sign + signed.slice(sign.length).padStart(width - sign.length, "0");
}
