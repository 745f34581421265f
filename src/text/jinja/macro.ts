/** What the inside of a macro and of a loop sees. */

import type { Expression, Parameter, Statement } from "./nodes.ts";
import { equal } from "./operators.ts";
import type { Scope } from "./scope.ts";
import { Attributes, JinjaError, type Keywords, orUndefined, Tuple, type Value } from "./values.ts";

/** A macro as it was written. */
export interface MacroDefinition {
  /** For errors. */
  readonly name: string;
  /** In order. */
  readonly parameters: readonly Parameter[];
  /** What it renders. */
  readonly body: readonly Statement[];
}

/**
 * Puts a call's arguments into the scope of a macro's body: parameters, then varargs, kwargs and
 * caller where the body names them.
 *
 * @throws JinjaError for arguments the macro does not take.
 */
export function bindMacro(
  { name, parameters, body }: MacroDefinition,
  call: { args: readonly Value[]; keywords: Keywords },
  scope: Scope,
  evaluate: (node: Expression, scope: Scope) => Value,
): Scope {
  const rest = new Map(call.keywords);
  const defaults: [string, Expression][] = [];
  parameters.forEach((parameter, at) => {
    const key = parameter.type === "Identifier" ? parameter.value : parameter.key.value;
    const value = at < call.args.length ? call.args[at] : rest.get(key);
    if (at >= call.args.length) rest.delete(key);
    if (value === undefined && parameter.type !== "Identifier") {
      defaults.push([key, parameter.value]);
    }
    scope.set(key, orUndefined(value, `parameter '${key}'`));
  });
  for (const [key, node] of defaults) scope.set(key, evaluate(node, scope));
  const caller = rest.get("caller");
  if (names(body, "caller")) {
    scope.set("caller", orUndefined(caller, "'caller'"));
    rest.delete("caller");
  }
  const extra = call.args.slice(parameters.length);
  if (names(body, "varargs")) scope.set("varargs", new Tuple(extra));
  else if (extra.length > 0) {
    throw new JinjaError(`macro '${name}' takes not more than ${parameters.length} argument(s)`);
  }
  const [unknown] = rest.keys();
  if (names(body, "kwargs")) scope.set("kwargs", new Map<Value, Value>(rest));
  else if (unknown !== undefined) {
    throw new JinjaError(`macro '${name}' takes no keyword argument '${unknown}'`);
  }
  return scope;
}

const NAMED = new WeakMap<object, ReadonlySet<string>>();

/** Does a part of a template name a variable? */
function names(body: readonly Statement[], name: string): boolean {
  let named = NAMED.get(body);
  if (named === undefined) NAMED.set(body, named = new Set(namesIn(body)));
  return named.has(name);
}

function* namesIn(node: unknown): Generator<string> {
  if (typeof node !== "object" || node === null) return;
  const { type, value } = node as { type?: string; value?: unknown };
  if (type === "Identifier") yield String(value);
  const children = node instanceof Map ? [...node].flat() : Object.values(node);
  for (const child of children) yield* namesIn(child);
}

/** The variable "loop" of one pass. */
export function loopVariable(
  items: readonly Value[],
  at: number,
  changes: { last?: Value },
): Attributes {
  const { length } = items;
  const outside = "an item outside the loop";
  return new Attributes(
    new Map<string, Value>([
      ["index", at + 1],
      ["index0", at],
      ["revindex", length - at],
      ["revindex0", length - at - 1],
      ["first", at === 0],
      ["last", at === length - 1],
      ["length", length],
      ["depth", 1],
      ["depth0", 0],
      ["previtem", orUndefined(items[at - 1], outside)],
      ["nextitem", orUndefined(items[at + 1], outside)],
      ["cycle", (args) => orUndefined(args[at % args.length], outside)],
      ["changed", (args) => {
        const value = new Tuple(args);
        const changed = changes.last === undefined || !equal(changes.last, value);
        changes.last = value;
        return changed;
      }],
    ]),
    false,
  );
}
