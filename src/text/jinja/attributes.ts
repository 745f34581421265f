/** What value.name and value[key] give, in the order that Jinja looks: methods are attributes. */

import { Arguments } from "./arguments.ts";
import { equal } from "./operators.ts";
import { format, stringMethod } from "./string_methods.ts";
import {
  Attributes,
  type Callable,
  type Dict,
  iterate,
  JinjaError,
  numberOf,
  Tuple,
  typeName,
  Undefined,
  undefinedError,
  type Value,
} from "./values.ts";
import { repr, str } from "./write.ts";

/** value.name: an attribute or a method, else the item of that name, else undefined. */
export function getAttribute(value: Value, name: string): Value {
  if (value instanceof Undefined) throw undefinedError(value);
  return firstOf(value, name, [attributeOf, itemOf]);
}

/** value[key]: the item, else the attribute or method of that name, else undefined. */
export function getItem(value: Value, key: Value): Value {
  if (value instanceof Undefined) throw undefinedError(value);
  return firstOf(value, key, [itemOf, attributeOf]);
}

type Lookup = (value: Value, key: Value) => Value | undefined;

/** What the first lookup that has anything gives; None is something. */
function firstOf(value: Value, key: Value, lookups: readonly Lookup[]): Value {
  for (const lookup of lookups) {
    const found = lookup(value, key);
    if (found !== undefined) return found;
  }
  return missing(value, key);
}

function missing(value: Value, key: Value): Undefined {
  const name = typeof key === "string" ? `'${key}'` : repr(key);
  return new Undefined(`${name} of a ${typeName(value)}`);
}

function itemOf(value: Value, key: Value): Value | undefined {
  if (value instanceof Map) return value.get(key);
  const at = typeof key === "object" ? undefined : numberOf(key);
  if (at === undefined || typeof key === "string") return undefined;
  if (typeof value === "string") return [...value].at(at);
  if (Array.isArray(value)) return value.at(at);
  return value instanceof Tuple ? value.items.at(at) : undefined;
}

/** Names that change a value; transformers renders in a sandbox that refuses them. */
const CHANGING = new Set([
  ...["append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault"],
  ...["sort", "update"],
]);

/** The attribute or method of that name, no item; undefined where there is none. */
export function attributeOf(value: Value, name: Value): Value | undefined {
  if (typeof name !== "string") return undefined;
  if (value instanceof Attributes) return value.map.get(name);
  if (typeof value === "string") {
    if (name === "format") return (args, keywords) => format(value, args, keywords, str);
    return stringMethod(value, name);
  }
  const isList = Array.isArray(value);
  const changes = CHANGING.has(name) &&
    (isList
      ? !["clear", "popitem", "setdefault", "update"].includes(name)
      : value instanceof Map && ["clear", "pop", "popitem", "setdefault", "update"].includes(name));
  if (changes) {
    return () => {
      throw new JinjaError(`${name}() would change a ${typeName(value)}, which templates may not`);
    };
  }
  if (value instanceof Map) return dictMethod(value, name);
  if (isList || value instanceof Tuple) return listMethod(iterate(value), name);
  return undefined;
}

function method(name: string, parameters: string[], run: (args: Arguments) => Value): Callable {
  return (args, keywords) => run(new Arguments(name, parameters, args, keywords));
}

function dictMethod(dict: Dict, name: string): Callable | undefined {
  switch (name) {
    case "get":
      return method(name, ["key", "default?"], (args) => {
        const found = dict.get(args.get("key"));
        return found === undefined ? args.get("default") : found;
      });
    case "items":
      return method(name, [], () => [...dict].map((entry) => new Tuple(entry)));
    case "keys":
      return method(name, [], () => [...dict.keys()]);
    case "values":
      return method(name, [], () => [...dict.values()]);
    case "copy":
      return method(name, [], () => new Map(dict));
  }
  return undefined;
}

function listMethod(items: readonly Value[], name: string): Callable | undefined {
  const places = (value: Value) => items.flatMap((item, at) => equal(item, value) ? [at] : []);
  switch (name) {
    case "count":
      return method(name, ["value"], (args) => places(args.get("value")).length);
    case "index":
      return method(name, ["value"], (args) => {
        const [first] = places(args.get("value"));
        if (first === undefined) throw new JinjaError("index(): the value is not in the list");
        return first;
      });
    case "copy":
      return method(name, [], () => [...items]);
  }
  return undefined;
}
