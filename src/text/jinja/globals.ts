/** The names that every template sees: Jinja's range and dict, transformers' namespace. */

import { Arguments } from "./arguments.ts";
import { Attributes, iterate, JinjaError, type Keywords, type Value } from "./values.ts";
import { Scope } from "./scope.ts";
import { str } from "./write.ts";

/** As in Jinja's sandbox. */
const LONGEST_RANGE = 100_000;

function range(args: readonly Value[], keywords: Keywords): Value {
  const parameters = ["a", "b?", "c?"];
  const bound = new Arguments("range", parameters, args, keywords);
  const step = bound.int("c", 1);
  const [from, to] = bound.has("b")
    ? [bound.int("a", 0), bound.int("b", 0)]
    : [0, bound.int("a", 0)];
  if (step === 0) throw new JinjaError("range() arg 3 must not be zero");
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (count > LONGEST_RANGE) throw new JinjaError(`range() is longer than ${LONGEST_RANGE}`);
  return Array.from({ length: count }, (_, at) => from + at * step);
}

function entriesOf(args: readonly Value[], keywords: Keywords): [Value, Value][] {
  const [first] = args;
  const pairs = first === undefined
    ? []
    : first instanceof Map
    ? [...first]
    : iterate(first).map((pair) => iterate(pair) as [Value, Value]);
  if (args.length > 1) throw new JinjaError(`expected at most 1 argument, got ${args.length}`);
  return [...pairs, ...keywords];
}

/** What stands around every rendering's own scope; True, False and None are Python's spelling. */
export const GLOBALS: Scope = new Scope(undefined, [
  ["true", true],
  ["false", false],
  ["none", null],
  ["True", true],
  ["False", false],
  ["None", null],
  ["range", range],
  ["dict", (args, keywords) => new Map(entriesOf(args, keywords))],
  ["namespace", (args, keywords) => {
    const entries = entriesOf(args, keywords).map(([key, value]) => [str(key), value] as const);
    return new Attributes(new Map(entries), true);
  }],
]);
