/** The names that a part of a template sees. */

import { Undefined, type Value } from "./values.ts";

/** Names with their values, and the scope around them; setting a name never changes that one. */
export class Scope {
  readonly #names: Map<string, Value>;
  readonly #parent?: Scope;

  /** Makes a scope, by default an empty one. */
  constructor(parent?: Scope, names?: Iterable<readonly [string, Value]>) {
    this.#names = new Map(names);
    this.#parent = parent;
  }

  /** Gives a name's value, here or further out. */
  get(name: string): Value {
    const value = this.#names.get(name);
    if (value !== undefined) return value;
    return this.#parent === undefined ? new Undefined(`'${name}'`) : this.#parent.get(name);
  }

  /** Sets a name here. */
  set(name: string, value: Value): void {
    this.#names.set(name, value);
  }
}
