/** Tells of arrays and buffers that are larger than a test allows, before they are made. */

const NAMES = [
  "Array",
  "ArrayBuffer",
  "Uint8Array",
  "Int8Array",
  "Uint16Array",
  "Int16Array",
  "Uint32Array",
  "Int32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
] as const;

/** Thrown where too much is asked for. A reader that catches it has still asked. */
export class TooLarge extends Error {}

/**
 * Refuses, until it is disposed of, to make an array or a buffer of more than `most` elements; at
 * the end it throws where that happened, whoever caught the refusal.
 */
export function limitAllocations(most: number): Disposable {
  const globals = globalThis as unknown as Record<string, new (...args: unknown[]) => unknown>;
  const plain = new Map(NAMES.map((name) => [name, globals[name]!]));
  let refused: TooLarge | undefined;
  const check = (name: string, size: unknown) => {
    if (typeof size !== "number" || !(size > most)) return;
    refused ??= new TooLarge(`${name} of ${size} elements`);
    throw refused;
  };
  for (const [name, original] of plain) {
    const guarded: typeof original = new Proxy(original, {
      construct(target, args, newTarget) {
        check(name, args.length === 1 ? args[0] : 0);
        return Reflect.construct(target, args, newTarget === guarded ? target : newTarget);
      },
      apply(target, self, args) {
        check(name, args.length === 1 ? args[0] : 0);
        return Reflect.apply(target as unknown as typeof Array, self, args);
      },
    });
    globals[name] = guarded;
  }
  return {
    [Symbol.dispose]() {
      for (const [name, original] of plain) globals[name] = original;
      if (refused) throw refused;
    },
  };
}
