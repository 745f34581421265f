/** The names that a part of a template sees, and how long the whole of it may go on. */

import { JinjaError, Lazy, Undefined, type Value } from "./values.ts";

/**
 * Rounds of loops, calls, and items and pages of text that they give, in a rendering: far more than
 * any conversation takes.
 */
const MOST_STEPS = 5_000_000;
const PAGE = 1 << 10;

/** Names with their values, and the scope around them; setting a name never changes that one. */
export class Scope {
  readonly #names: Map<string, Value>;
  readonly #parent?: Scope;
  /** Shared by the scopes of a rendering. */
  readonly #steps: { left: number };

  /** Makes a scope, by default an empty one; one right inside the globals begins a rendering. */
  constructor(parent?: Scope, names?: Iterable<readonly [string, Value]>) {
    this.#names = new Map(names);
    this.#parent = parent;
    const isInside = parent !== undefined && parent.#parent !== undefined;
    this.#steps = isInside ? parent.#steps : { left: MOST_STEPS };
  }

  /** Counts a step and what it gave. @throws JinjaError where there are too many. */
  step<T extends Value>(given: T): T {
    const isText = typeof given === "string";
    const items = Array.isArray(given) ? given.length : given instanceof Lazy ? given.size : 0;
    this.#steps.left -= 1 + (isText ? Math.floor(given.length / PAGE) : items);
    if (this.#steps.left < 0) throw new JinjaError("it goes on without end");
    return given;
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
