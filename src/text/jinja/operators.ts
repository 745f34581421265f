/** What Python's operators do: equality and order of values, arithmetic, membership, slices. */

import {
  Float,
  isIterable,
  isTrue,
  iterate,
  JinjaError,
  numberOf,
  Tuple,
  typeName,
  Undefined,
  undefinedError,
  type Value,
} from "./values.ts";
import { compareText, str } from "./write.ts";
import { percentFormat } from "./percent_format.ts";

/** Python's ==. */
export function equal(a: Value, b: Value): boolean {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined || y !== undefined) return x === y;
  if (a instanceof Undefined) return b instanceof Undefined;
  if (Array.isArray(a)) return Array.isArray(b) && equalItems(a, b);
  if (a instanceof Tuple) return b instanceof Tuple && equalItems(a.items, b.items);
  if (a instanceof Map) {
    return b instanceof Map && a.size === b.size &&
      [...a].every(([key, item]) => b.has(key) && equal(item, b.get(key)!));
  }
  return a === b;
}

function equalItems(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((item, at) => equal(item, b[at]!));
}

/** The order of two values: negative, 0, positive. */
export function compare(a: Value, b: Value, operator = "<"): number {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x - y;
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  const [left, right] = [listOf(a), listOf(b)];
  if (left !== undefined && right !== undefined && typeName(a) === typeName(b)) {
    const at = left.findIndex((item, at) => at >= right.length || !equal(item, right[at]!));
    if (at < 0) return left.length - right.length;
    return at >= right.length ? 1 : compare(left[at]!, right[at]!, operator);
  }
  for (const value of [a, b]) if (value instanceof Undefined) throw undefinedError(value);
  throw new JinjaError(
    `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
  );
}

function listOf(value: Value): readonly Value[] | undefined {
  if (Array.isArray(value)) return value;
  return value instanceof Tuple ? value.items : undefined;
}

/** Python's in. */
export function contains(container: Value, item: Value): boolean {
  if (typeof container === "string") {
    if (typeof item === "string") return container.includes(item);
    throw new JinjaError(
      `'in <string>' requires string as left operand, not ${typeName(item)}`,
    );
  }
  if (!isIterable(container)) {
    throw new JinjaError(`argument of type '${typeName(container)}' is not iterable`);
  }
  return iterate(container).some((one) => equal(one, item));
}

/**
 * Applies an operator that takes two values; "and" and "or" are the evaluator's.
 *
 * @throws JinjaError where Python raises TypeError, UndefinedError or ZeroDivisionError.
 */
export function binary(operator: string, a: Value, b: Value): Value {
  switch (operator) {
    case "==":
      return equal(a, b);
    case "!=":
      return !equal(a, b);
    case "<":
      return compare(a, b, operator) < 0;
    case ">":
      return compare(a, b, operator) > 0;
    case "<=":
      return compare(a, b, operator) <= 0;
    case ">=":
      return compare(a, b, operator) >= 0;
    case "in":
      return contains(b, a);
    case "not in":
      return !contains(b, a);
    case "~":
      return str(a) + str(b);
  }
  for (const value of [a, b]) if (value instanceof Undefined) throw undefinedError(value);
  const joined = sequences(operator, a, b);
  if (joined !== undefined) return joined;
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x === undefined || y === undefined) {
    throw new JinjaError(
      `unsupported operand type(s) for ${operator}: '${typeName(a)}' and '${typeName(b)}'`,
    );
  }
  return arithmetic(operator, x, y, a instanceof Float || b instanceof Float);
}

function sequences(operator: string, a: Value, b: Value): Value | undefined {
  if (operator === "%" && typeof a === "string") return percentFormat(a, b);
  if (operator === "+") {
    if (typeof a === "string" && typeof b === "string") return a + b;
    if (Array.isArray(a) && Array.isArray(b)) return joined(a, b);
    if (a instanceof Tuple && b instanceof Tuple) return new Tuple(joined(a.items, b.items));
  }
  if (operator !== "*") return undefined;
  if (typeof a === "number" && typeof b !== "number") [a, b] = [b, a];
  if (typeof b !== "number") return undefined;
  const times = Math.max(0, b);
  if (typeof a === "string") return repeat(a.length, times, () => (a as string).repeat(times));
  if (!Array.isArray(a)) return undefined;
  const items = a;
  if (items.length === 0) return [];
  return repeat(a.length, times, () => Array.from({ length: times }, () => items).flat());
}

const LONGEST = 1e7;

/** Data decides what a template repeats; it must not fill the memory. */
function repeat<T>(length: number, times: number, make: () => T): T {
  if (length * times > LONGEST) throw new JinjaError("a repetition is longer than 10,000,000");
  return make();
}

function joined(a: readonly Value[], b: readonly Value[]): Value[] {
  if (a.length + b.length > LONGEST) throw new JinjaError("a list is longer than 10,000,000");
  return [...a, ...b];
}

function arithmetic(operator: string, x: number, y: number, isFloat: boolean): Value {
  const of = (value: number): Value => isFloat ? new Float(value) : value;
  if (y === 0 && ["/", "//", "%"].includes(operator)) throw new JinjaError("division by zero");
  switch (operator) {
    case "+":
      return of(x + y);
    case "-":
      return of(x - y);
    case "*":
      return of(x * y);
    case "/":
      return new Float(x / y);
    case "//":
      return of(Math.floor(x / y));
    case "%": {
      const rest = x % y;
      return of(rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest);
    }
    case "**":
      if (!isFloat && Math.abs(x ** y) === Infinity) throw new JinjaError("a power is too large");
      return isFloat || y < 0 ? new Float(x ** y) : x ** y;
  }
  throw new JinjaError(`the operator "${operator}" is unknown`);
}

/** Applies "not", "-" or "+". */
export function unary(operator: string, value: Value): Value {
  if (operator === "not") return !isTrue(value);
  if (value instanceof Undefined) throw undefinedError(value);
  const number = numberOf(value);
  if (number === undefined) {
    throw new JinjaError(`bad operand type for unary ${operator}: '${typeName(value)}'`);
  }
  const signed = operator === "-" ? -number : number;
  return value instanceof Float ? new Float(signed) : signed + 0;
}

/** Python's value[start:stop:step]; strings are cut between code points. */
export function slice(value: Value, bounds: readonly (Value | undefined)[]): Value {
  if (value instanceof Undefined) throw undefinedError(value);
  const [start, stop, step] = bounds.map((bound) => {
    if (bound === undefined || bound === null) return undefined;
    const number = bound instanceof Float ? undefined : numberOf(bound);
    if (number === undefined) throw new JinjaError("slice indices must be integers or None");
    return number;
  });
  if (typeof value === "string") return sliceItems([...value], start, stop, step).join("");
  if (Array.isArray(value)) return sliceItems(value, start, stop, step);
  if (value instanceof Tuple) return new Tuple(sliceItems(value.items, start, stop, step));
  throw new JinjaError(`'${typeName(value)}' object is not subscriptable by a slice`);
}

function sliceItems<T>(items: readonly T[], start?: number, stop?: number, step = 1): T[] {
  if (step === 0) throw new JinjaError("slice step cannot be zero");
  const { length } = items;
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const clamp = (bound: number) =>
    Math.min(Math.max(bound < 0 ? bound + length : bound, low), high);
  let at = start === undefined ? (step > 0 ? low : high) : clamp(start);
  const end = stop === undefined ? (step > 0 ? high : low) : clamp(stop);
  const cut: T[] = [];
  for (; step > 0 ? at < end : at > end; at += step) cut.push(items[at]!);
  return cut;
}
