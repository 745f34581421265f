/** Arguments of functions, methods and filters, bound to parameters by place or by name. */

import { JinjaError, type Keywords, numberOf, typeName, Undefined, type Value } from "./values.ts";

/** A call's arguments by parameter. */
export class Arguments {
  readonly #name: string;
  readonly #values: ReadonlyMap<string, Value>;

  /**
   * Binds arguments.
   *
   * @param parameters In order; those that end with "?" may be left out.
   * @throws JinjaError for too many, unknown or missing ones.
   */
  constructor(
    name: string,
    parameters: readonly string[],
    args: readonly Value[],
    keywords: Keywords,
  ) {
    const names = parameters.map((parameter) => parameter.replace("?", ""));
    if (args.length > names.length) {
      throw new JinjaError(
        `${name}() takes ${names.length} arguments but ${args.length} were given`,
      );
    }
    const values = new Map(args.map((value, at) => [names[at]!, value]));
    for (const [key, value] of keywords) {
      if (!names.includes(key) || values.has(key)) {
        throw new JinjaError(`${name}() got an unexpected keyword argument '${key}'`);
      }
      values.set(key, value);
    }
    const missing = parameters.find((name) => !name.endsWith("?") && !values.has(name));
    if (missing !== undefined) throw new JinjaError(`${name}() lacks the argument '${missing}'`);
    this.#name = name;
    this.#values = values;
  }

  /** The value of a parameter, or what stands for one that was left out; None is a value. */
  get(parameter: string, otherwise: Value = null): Value {
    const value = this.#values.get(parameter);
    return value === undefined ? otherwise : value;
  }

  /** Whether a parameter was given, and not as None. */
  has(parameter: string): boolean {
    return (this.#values.get(parameter) ?? null) !== null;
  }

  /** A parameter that must be text. */
  text(parameter: string, otherwise?: string): string {
    const value = this.get(parameter, otherwise ?? null);
    if (typeof value === "string") return value;
    throw this.#wrong(parameter, "str", value);
  }

  /** A parameter that must be an int. */
  int(parameter: string, otherwise: number): number {
    const value = this.has(parameter) ? this.get(parameter) : otherwise;
    const number = typeof value === "object" ? undefined : numberOf(value);
    if (number === undefined) throw this.#wrong(parameter, "int", value);
    return number;
  }

  #wrong(parameter: string, wanted: string, value: Value): JinjaError {
    const received = value instanceof Undefined ? `${value.what} is undefined` : typeName(value);
    return new JinjaError(`${this.#name}(): '${parameter}' must be ${wanted}, not ${received}`);
  }
}
