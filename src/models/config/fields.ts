/**
 * Typed access to config.json's fields: each is checked, and an error names file, field, what was
 * wanted and what was received. Null counts as absent.
 */

import type { Activation } from "../../ops/linear/activation.ts";
import { badField, missingField, unsupportedField } from "../errors.ts";

/** A parsed JSON object, and the file it came from for messages. */
export interface ConfigSource {
  readonly file: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Many times as many as any model has. */
const MOST_LAYERS = 10_000;

/** Hugging Face's names of the activations there are. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  silu: "silu",
  swish: "silu",
  gelu: "gelu",
  gelu_new: "gelu_tanh",
  gelu_pytorch_tanh: "gelu_tanh",
  relu: "relu",
};

/** The fields of one object. */
export class Fields {
  readonly #source: ConfigSource;
  /** Put before names in messages. */
  readonly #prefix: string;

  constructor(source: ConfigSource, prefix = "") {
    this.#source = source;
    this.#prefix = prefix;
  }

  /** A whole number of 1 or more. */
  count(name: string, fallback?: number): number {
    return this.#read(name, fallback, "a whole number of 1 or more", isCount);
  }

  /** How many layers there are: whatever is said layer by layer is made for each of them. */
  layers(name: string): number {
    const layers = this.count(name);
    if (layers > MOST_LAYERS) throw this.bad(name, `a whole number up to ${MOST_LAYERS}`);
    return layers;
  }

  /** A whole number of 1 or more, if it is there. */
  optionalCount(name: string): number | undefined {
    return this.#optional(name, () => this.count(name));
  }

  /** A whole number of 0 or more. */
  index(name: string, fallback?: number): number {
    return this.#read(name, fallback, "a whole number of 0 or more", isIndex);
  }

  /** A number above 0. */
  positive(name: string, fallback?: number): number {
    return this.#read(
      name,
      fallback,
      "a number above 0",
      isPositive,
    );
  }

  /** A number above 0, if it is there. */
  optionalPositive(name: string): number | undefined {
    return this.#optional(name, () => this.positive(name));
  }

  /** True or false. */
  flag(name: string, fallback: boolean): boolean {
    return this.#read(name, fallback, "true or false", (value) => typeof value === "boolean");
  }

  /** A list of as many numbers above 0. */
  positives(name: string, length: number): number[] {
    return this.#read<number[]>(
      name,
      undefined,
      `a list of ${length} numbers above 0`,
      (value) =>
        Array.isArray(value) && value.length === length &&
        value.every(isPositive),
    );
  }

  /** What is said of each layer, if it is there; `expected` says what `fits`. */
  optionalLayers<T>(
    name: string,
    layers: number,
    expected: string,
    fits: (value: unknown) => value is T,
  ): T[] | undefined {
    return this.#optional(name, () =>
      this.#read<T[]>(
        name,
        undefined,
        `a list of ${layers}, one a layer, each ${expected}`,
        (value) => Array.isArray(value) && value.length === layers && value.every(fits),
      ));
  }

  /** A token id, a list of them, or none. */
  tokenIds(name: string): number[] {
    const value = this.#read<number | number[]>(
      name,
      [],
      "a token id or a list of them",
      (value) => isIndex(value) || Array.isArray(value) && value.every(isIndex),
    );
    return typeof value === "number" ? [value] : value;
  }

  /** An activation among those an architecture is built for. */
  activation(name: string, fallback: string, supported: readonly Activation[]): Activation {
    const value = this.#source.json[name] ?? fallback;
    const found = typeof value === "string" ? ACTIVATIONS[value] : undefined;
    if (found && supported.includes(found)) return found;
    const names = Object.keys(ACTIVATIONS).filter((key) => supported.includes(ACTIVATIONS[key]!));
    throw this.unsupported(name, names.map((known) => `"${known}"`).join(", "));
  }

  /** Refuses any value but one, which is also what an absent field means. */
  only(name: string, value: string | number | boolean): void {
    const received = this.#source.json[name] ?? value;
    if (received !== value) throw this.unsupported(name, JSON.stringify(value));
  }

  /** The error of a value that asks for something that is not built. */
  unsupported(name: string, supported: string): Error {
    const { file, json } = this.#source;
    return unsupportedField(file, this.#prefix + name, json[name], supported);
  }

  /** The error of a value that does not go with the others. */
  bad(name: string, expected: string, received: unknown = this.#source.json[name]): Error {
    return badField(this.#source.file, this.#prefix + name, expected, received);
  }

  #optional<T>(name: string, read: () => T): T | undefined {
    const value = this.#source.json[name];
    return value === undefined || value === null ? undefined : read();
  }

  #read<T>(
    name: string,
    fallback: T | undefined,
    expected: string,
    fits: (value: unknown) => boolean,
  ): T {
    const value = this.#source.json[name] ?? fallback;
    if (value === undefined) throw missingField(this.#source.file, this.#prefix + name);
    if (!fits(value)) throw badField(this.#source.file, this.#prefix + name, expected, value);
    return value as T;
  }
}

/** JSON's 1e999 is a number, and infinite. */
function isPositive(value: unknown): boolean {
  return Number.isFinite(value) && (value as number) > 0;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isIndex(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
