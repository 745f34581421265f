/** Typed access to a GGUF file's metadata: a missing or mistyped value is an error that names it. */

import { badGgufValue, missingGgufKey } from "./errors.ts";
import type { GgufField, GgufMetadata } from "./gguf_types.ts";

/** Reads metadata by key; a method without fallback needs the key. */
export class GgufFields {
  readonly file: string;
  readonly #metadata: GgufMetadata;

  constructor(file: string, metadata: GgufMetadata) {
    this.file = file;
    this.#metadata = metadata;
  }

  /** Whether the key is there. */
  has(key: string): boolean {
    return this.#metadata.has(key);
  }

  /** A text. @throws {OddsmithError} WeightsError MISSING_KEY, BAD_VALUE. */
  string(key: string, fallback?: string): string {
    return this.#read(
      key,
      fallback,
      "a string",
      ({ value }) => typeof value === "string" ? value : undefined,
    );
  }

  /** True or false. @throws {OddsmithError} WeightsError MISSING_KEY, BAD_VALUE. */
  flag(key: string, fallback?: boolean): boolean {
    return this.#read(
      key,
      fallback,
      "a bool",
      ({ value }) => typeof value === "boolean" ? value : undefined,
    );
  }

  /**
   * A number; of a float32 the shortest decimal that means it, as the model's configuration had it.
   *
   * @throws {OddsmithError} WeightsError MISSING_KEY, BAD_VALUE.
   */
  number(key: string, fallback?: number): number {
    return this.#read(key, fallback, "a finite number", (field) => {
      if (Array.isArray(field.value)) return undefined;
      const value = typeof field.value === "bigint" ? Number(field.value) : field.value;
      if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
      return field.type === "float32" ? shortestFloat32(value) : value;
    });
  }

  /** A whole number of 0 or more. @throws {OddsmithError} WeightsError MISSING_KEY, BAD_VALUE. */
  count(key: string, fallback?: number): number {
    return this.#read(key, fallback, "a whole number of 0 or more", ({ value }) => {
      const count = typeof value === "bigint" ? Number(value) : value;
      return Number.isSafeInteger(count) && count as number >= 0 ? count as number : undefined;
    });
  }

  /** A list of texts. @throws {OddsmithError} WeightsError MISSING_KEY, BAD_VALUE. */
  strings(key: string, fallback?: readonly string[]): readonly string[] {
    return this.#read(
      key,
      fallback,
      "an array of strings",
      (field) =>
        field.type === "array" && field.elementType === "string"
          ? field.value as readonly string[]
          : undefined,
    );
  }

  /** A list of numbers. @throws {OddsmithError} WeightsError MISSING_KEY, BAD_VALUE. */
  numbers(key: string, fallback?: readonly number[]): readonly number[] {
    return this.#read(
      key,
      fallback,
      "an array of numbers",
      (field) =>
        ArrayBuffer.isView(field.value)
          ? Array.from<number | bigint, number>(field.value, Number)
          : undefined,
    );
  }

  #read<T>(
    key: string,
    fallback: T | undefined,
    expected: string,
    convert: (field: GgufField) => T | undefined,
  ): T {
    const field = this.#metadata.get(key);
    if (field === undefined) {
      if (fallback === undefined) throw missingGgufKey(this.file, key);
      return fallback;
    }
    const value = convert(field);
    if (value === undefined) {
      throw badGgufValue(
        this.file,
        key,
        expected,
        field.type === "array" ? "an array" : field.value,
      );
    }
    return value;
  }
}

function shortestFloat32(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
