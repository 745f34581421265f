/** Jinja's tests: what stands after "is", and what select and reject go by. */

import { compare, contains, equal } from "./operators.ts";
import {
  Float,
  isIterable,
  JinjaError,
  Lazy,
  numberOf,
  typeName,
  Undefined,
  undefinedError,
  type Value,
} from "./values.ts";
import { str } from "./write.ts";

type Test = (value: Value, argument: Value) => boolean;

function remainder(value: Value, by: number): number {
  if (value instanceof Undefined) throw undefinedError(value);
  const number = numberOf(value);
  if (number === undefined) throw new JinjaError(`a ${typeName(value)} cannot be divided`);
  return ((number % by) + by) % by;
}

const cased = (text: string) => text.toLowerCase() !== text.toUpperCase();
const TESTS: Readonly<Record<string, Test>> = {
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  true: (value) => value === true,
  false: (value) => value === false,
  integer: (value) => typeof value === "number",
  float: (value) => value instanceof Float,
  number: (value) => numberOf(value) !== undefined,
  string: (value) => typeof value === "string",
  mapping: (value) => value instanceof Map,
  iterable: isIterable,
  sequence: (value) => isIterable(value) && !(value instanceof Lazy),
  callable: (value) => typeof value === "function",
  sameas: (value, other) => value === other,
  lower: (value) => str(value) === str(value).toLowerCase() && cased(str(value)),
  upper: (value) => str(value) === str(value).toUpperCase() && cased(str(value)),
  odd: (value) => remainder(value, 2) === 1,
  even: (value) => remainder(value, 2) === 0,
  divisibleby: (value, by) => remainder(value, numberOf(by) ?? NaN) === 0,
  in: (value, container) => contains(container, value),
  eq: equal,
  ne: (value, other) => !equal(value, other),
  lt: (value, other) => compare(value, other, "<") < 0,
  le: (value, other) => compare(value, other, "<=") <= 0,
  gt: (value, other) => compare(value, other, ">") > 0,
  ge: (value, other) => compare(value, other, ">=") >= 0,
};
const ALIASES: Readonly<Record<string, string>> = {
  "==": "eq",
  equalto: "eq",
  "!=": "ne",
  "<": "lt",
  lessthan: "lt",
  "<=": "le",
  ">": "gt",
  greaterthan: "gt",
  ">=": "ge",
};
const WITH_ARGUMENT = new Set(["sameas", "divisibleby", "in", "eq", "ne", "lt", "le", "gt", "ge"]);

/**
 * Runs a test.
 *
 * @throws JinjaError for an unknown test, a missing or an unwanted argument.
 */
export function runTest(name: string, value: Value, args: readonly Value[]): boolean {
  const known = Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name;
  if (!Object.hasOwn(TESTS, known)) throw new JinjaError(`No test named '${name}'`);
  if (args.length !== Number(WITH_ARGUMENT.has(known))) {
    throw new JinjaError(`the test '${name}' takes another number of arguments`);
  }
  return TESTS[known]!(value, args[0] ?? null);
}
