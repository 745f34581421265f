/**
 * The values a template computes with: Python's, told apart where JavaScript's are not (int and
 * float, None and undefined, list and tuple). Nothing here changes a value a template was given.
 */

/** A float; a number is an int. */
export class Float {
  /** Any double. */
  readonly value: number;

  /** Wraps a double. */
  constructor(value: number) {
    this.value = value;
  }
}

/** What a name, key or attribute that is not there gives. Printing it is allowed, reading it not. */
export class Undefined {
  /** What is missing, for errors. */
  readonly what: string;

  /** Remembers what is missing. */
  constructor(what: string) {
    this.what = what;
  }
}

/** A tuple. */
export class Tuple {
  /** In order. */
  readonly items: readonly Value[];

  /** Wraps items. */
  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** What Python's generators are: items that are there once, and that count as true even if none. */
export class Lazy {
  #items: readonly Value[];

  /** Wraps items. */
  constructor(items: readonly Value[]) {
    this.#items = items;
  }

  /** How many items there are to take. */
  get size(): number {
    return this.#items.length;
  }

  /** Gives the items, the first time. */
  take(): readonly Value[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }
}

/** An object that has attributes and is no mapping: a namespace, the variable "loop". */
export class Attributes {
  /** By name. */
  readonly map: Map<string, Value>;
  /** Whether a template may set them. */
  readonly writable: boolean;

  /** Wraps attributes. */
  constructor(map: Map<string, Value>, writable: boolean) {
    this.map = map;
    this.writable = writable;
  }
}

/** Keyword arguments. */
export type Keywords = ReadonlyMap<string, Value>;

/** A function, a method or a macro. */
export type Callable = (args: readonly Value[], keywords: Keywords) => Value;

/** A dict; keys are strings, ints, booleans or None. */
export type Dict = Map<Value, Value>;

/** Any value. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Float
  | Undefined
  | Value[]
  | Tuple
  | Lazy
  | Dict
  | Attributes
  | Callable;

/** A template that goes wrong; the message is in Python's manner. */
export class JinjaError extends Error {}

/** Makes a value of data; a number with a fraction is a float, functions stay. */
export function toValue(data: unknown): Value {
  if (data === null) return null;
  if (data === undefined) return new Undefined("a value");
  if (typeof data === "number") return Number.isInteger(data) ? data : new Float(data);
  if (typeof data === "bigint") return Number(data);
  if (typeof data !== "object") return data as Value;
  if (Array.isArray(data)) return data.map(toValue);
  const entries = Object.entries(data).filter(([, value]) => value !== undefined);
  return new Map(entries.map(([key, value]) => [key, toValue(value)]));
}

/** Python's name of a value's type. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "int";
  if (typeof value === "string") return "str";
  if (typeof value === "function") return "function";
  if (value instanceof Float) return "float";
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Tuple) return "tuple";
  if (value instanceof Lazy) return "generator";
  if (value instanceof Attributes) return value.writable ? "Namespace" : "LoopContext";
  return Array.isArray(value) ? "list" : "dict";
}

/** A value that may not be there. */
export function orUndefined(value: Value | undefined, what: string): Value {
  return value === undefined ? new Undefined(what) : value;
}

/** Refuses to read what is not there. */
export function undefinedError(value: Undefined): JinjaError {
  return new JinjaError(`${value.what} is undefined`);
}

/** Does a value count as true? */
export function isTrue(value: Value): boolean {
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Undefined) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Tuple) return value.items.length > 0;
  if (value instanceof Map) return value.size > 0;
  return Boolean(value);
}

/** A number's double; booleans are 0 and 1; undefined for anything else. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  return value instanceof Float ? value.value : undefined;
}

/**
 * What a loop over a value runs through: code points of strings, keys of dicts, nothing of what is
 * undefined.
 */
export function iterate(value: Value): readonly Value[] {
  if (typeof value === "string") return [...value];
  if (Array.isArray(value)) return value;
  if (value instanceof Tuple) return value.items;
  if (value instanceof Map) return [...value.keys()];
  if (value instanceof Lazy) return value.take();
  if (value instanceof Undefined) return [];
  throw new JinjaError(`'${typeName(value)}' object is not iterable`);
}

/** Python's len. */
export function lengthOf(value: Value): number {
  if (value instanceof Lazy || value instanceof Attributes || !isIterable(value)) {
    throw new JinjaError(`object of type '${typeName(value)}' has no len()`);
  }
  return iterate(value).length;
}

/** Can a loop run over it? */
export function isIterable(value: Value): boolean {
  return typeof value === "string" || Array.isArray(value) || value instanceof Tuple ||
    value instanceof Map || value instanceof Lazy || value instanceof Undefined;
}
