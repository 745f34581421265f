/** Jinja's filters of lists and dicts. Those that Python makes generators of give a `Lazy`. */

import type { Arguments } from "./arguments.ts";
import { attributeOf, getItem } from "./attributes.ts";
import { binary, compare } from "./operators.ts";
import { runTest } from "./tests.ts";
import type { Filter } from "./text_filters.ts";
import {
  isTrue,
  iterate,
  JinjaError,
  type Keywords,
  Lazy,
  lengthOf,
  orUndefined,
  Tuple,
  typeName,
  Undefined,
  undefinedError,
  type Value,
} from "./values.ts";
import { str } from "./write.ts";

/** Reads "a.b.0" of an item, step by step. */
function attributeReader(path: Value, otherwise?: Value): (item: Value) => Value {
  const steps = typeof path === "string" ? path.split(".") : [path];
  const keys = steps.map((step) =>
    typeof step === "string" && /^\d+$/.test(step) ? Number(step) : step
  );
  return (item) => {
    for (const key of keys) {
      item = getItem(item, key);
      if (item instanceof Undefined && otherwise !== undefined) item = otherwise;
    }
    return item;
  };
}

/** What a sort compares: texts without their case, unless told otherwise. */
function sortKey(args: Arguments): (item: Value) => Value {
  const read = args.has("attribute") ? attributeReader(args.get("attribute")) : undefined;
  const caseSensitive = isTrue(args.get("case_sensitive", false));
  return (item) => {
    const value = read === undefined ? item : read(item);
    return typeof value === "string" && !caseSensitive ? value.toLowerCase() : value;
  };
}

function sorted(items: readonly Value[], key: (item: Value) => Value, reverse: boolean): Value[] {
  const sign = reverse ? -1 : 1;
  return items.map((item) => ({ item, key: key(item) }))
    .sort((a, b) => sign * compare(a.key, b.key)).map(({ item }) => item);
}

function dictsort(value: Value, args: Arguments): Value {
  if (!(value instanceof Map)) {
    throw new JinjaError(`dictsort() takes a dict, not ${typeName(value)}`);
  }
  const by = args.text("by", "key");
  if (by !== "key" && by !== "value") {
    throw new JinjaError('dictsort(): \'by\' must be "key" or "value"');
  }
  const caseSensitive = isTrue(args.get("case_sensitive", false));
  const key = (entry: Value) => {
    const part = (entry as Tuple).items[by === "key" ? 0 : 1]!;
    return typeof part === "string" && !caseSensitive ? part.toLowerCase() : part;
  };
  return sorted(
    [...value].map((entry) => new Tuple(entry)),
    key,
    isTrue(args.get("reverse", false)),
  );
}

function unique(value: Value, args: Arguments): Value {
  const key = sortKey(args);
  const seen = new Set<string>();
  return new Lazy(
    iterate(value).filter((item) => {
      const part = key(item);
      const mark = `${typeName(part)}:${str(part)}`;
      return seen.has(mark) ? false : seen.add(mark);
    }),
  );
}

function groupby(value: Value, args: Arguments): Value {
  const read = attributeReader(
    args.get("attribute"),
    args.has("default") ? args.get("default") : undefined,
  );
  const groups: { key: Value; items: Value[] }[] = [];
  for (const item of sorted(iterate(value), read, false)) {
    const key = read(item);
    const last = groups.at(-1);
    if (last !== undefined && compare(last.key, key) === 0) last.items.push(item);
    else groups.push({ key, items: [item] });
  }
  return groups.map(({ key, items }) => new Tuple([key, items]));
}

function batch(value: Value, args: Arguments): Value {
  const size = args.int("linecount", 1);
  if (size < 1) throw new JinjaError("batch(): 'linecount' must be 1 or more");
  if (size > 1e7) throw new JinjaError("batch(): 'linecount' is more than 10,000,000");
  const items = iterate(value);
  const batches: Value[] = [];
  for (let at = 0; at < items.length; at += size) {
    const part = items.slice(at, at + size);
    const fill = args.has("fill_with") ? Array(size - part.length).fill(args.get("fill_with")) : [];
    batches.push([...part, ...fill]);
  }
  return new Lazy(batches);
}

function extreme(sign: number): Filter {
  return [["case_sensitive?", "attribute?"], (value, args) => {
    const [first] = sorted(iterate(value), sortKey(args), sign < 0);
    return orUndefined(first, "an item of nothing");
  }];
}

function reverse(value: Value): Value {
  if (typeof value === "string") return [...value].reverse().join("");
  if (value instanceof Undefined) throw undefinedError(value);
  return new Lazy([...iterate(value)].reverse());
}

function items(value: Value): Value {
  if (value instanceof Undefined) return new Lazy([]);
  if (!(value instanceof Map)) throw new JinjaError("Can only get item pairs from a mapping.");
  return new Lazy([...value].map((entry) => new Tuple(entry)));
}

const length: Filter = [[], lengthOf];

/** By name. */
export const LIST_FILTERS: Readonly<Record<string, Filter>> = {
  attr: [
    ["name"],
    (value, args) =>
      orUndefined(attributeOf(value, args.text("name")), `the attribute '${args.text("name")}'`),
  ],
  batch: [["linecount", "fill_with?"], batch],
  count: length,
  dictsort: [["case_sensitive?", "by?", "reverse?"], dictsort],
  first: [[], (value) => orUndefined(iterate(value)[0], "the first item of nothing")],
  groupby: [["attribute", "default?"], groupby],
  items: [[], items],
  join: [["d?", "attribute?"], (value, args) => {
    const read = args.has("attribute") ? attributeReader(args.get("attribute")) : undefined;
    const parts = iterate(value).map((item) => str(read === undefined ? item : read(item)));
    return parts.join(str(args.get("d", "")));
  }],
  last: [[], (value) => {
    if (value instanceof Lazy) throw new JinjaError("'generator' object is not reversible");
    return orUndefined(iterate(value).at(-1), "the last item of nothing");
  }],
  length,
  list: [[], (value) => [...iterate(value)]],
  max: extreme(-1),
  min: extreme(1),
  reverse: [[], reverse],
  sort: [
    ["reverse?", "case_sensitive?", "attribute?"],
    (value, args) => sorted(iterate(value), sortKey(args), isTrue(args.get("reverse", false))),
  ],
  sum: [["attribute?", "start?"], (value, args) => {
    const read = args.has("attribute") ? attributeReader(args.get("attribute")) : undefined;
    return iterate(value).reduce<Value>(
      (sum, item) => binary("+", sum, read === undefined ? item : read(item)),
      args.get("start", 0),
    );
  }],
  unique: [["case_sensitive?", "attribute?"], unique],
};

/** The filters select, reject, selectattr and rejectattr. */
export function select(name: string, value: Value, args: readonly Value[]): Value {
  const [attribute, ...rest] = args;
  const byAttribute = name.endsWith("attr");
  if (byAttribute && attribute === undefined) throw new JinjaError(`${name}() lacks the attribute`);
  const read = byAttribute ? attributeReader(attribute!) : (item: Value) => item;
  const [test, ...testArgs] = byAttribute ? rest : args;
  const wanted = name.startsWith("select");
  return new Lazy(
    iterate(value).filter((item) => {
      const part = read(item);
      return (test === undefined ? isTrue(part) : runTest(str(test), part, testArgs)) === wanted;
    }),
  );
}

/** The filter map: by attribute, or by another filter that `apply` runs. */
export function map(
  value: Value,
  args: readonly Value[],
  keywords: Keywords,
  apply: (name: string, value: Value, args: readonly Value[], keywords: Keywords) => Value,
): Value {
  const attribute = keywords.get("attribute");
  if (attribute !== undefined) {
    return new Lazy(iterate(value).map(attributeReader(attribute, keywords.get("default"))));
  }
  const [name, ...rest] = args;
  if (name === undefined) throw new JinjaError("map() takes an attribute or a filter");
  return new Lazy(iterate(value).map((item) => apply(str(name), item, rest, keywords)));
}
