/** Damage to files that are text: to JSON by its structure, to other text by lines and marks. */

import type { Json, JsonObject } from "../../src/base/json.ts";
import type { Rng } from "../../src/base/rng.ts";
import { anywhere, mutate, splice } from "./mutations.ts";

/** Values at which readers err; texts are put in as they are, 1e999 among them. */
const HOSTILE: readonly string[] = [
  "null",
  "true",
  "false",
  "0",
  "-1",
  "1.5",
  "1e999",
  "-1e999",
  "1e-7",
  "2147483648",
  "4294967297",
  "9007199254740993",
  "1e308",
  '""',
  '"constructor"',
  '"__proto__"',
  '"\\ud800"',
  '"("',
  '"0"',
  "[]",
  "[[]]",
  "[null]",
  "[0]",
  "{}",
  '{"__proto__": null}',
  '{"": 0}',
  '{"type": "Sequence"}',
];

const NAMES = ["", "__proto__", "constructor", "toString", "length", "type", "0"];

/** Stands for raw text until the value is written. */
const RAW = "\u0001raw:";

type Place = { readonly at: Json[] | JsonObject; readonly key: string | number };

function places(value: Json, found: Place[] = []): Place[] {
  if (typeof value !== "object" || value === null) return found;
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  for (const key of keys) {
    const at = value as JsonObject;
    found.push({ at, key });
    places(at[key]!, found);
  }
  return found;
}

function change(rng: Rng, value: Json): void {
  const all = places(value);
  if (all.length === 0) return;
  const { at, key } = all[rng.int(all.length)]!;
  const object = at as JsonObject;
  const other = all[rng.int(all.length)]!;
  switch (rng.int(7)) {
    case 0:
      if (Array.isArray(at)) at.splice(key as number, 1);
      else delete at[key];
      return;
    case 1:
      put(object, String(key), structuredClone((other.at as JsonObject)[other.key]!));
      return;
    case 2:
      if (Array.isArray(at)) at.push(structuredClone(at[key as number]!));
      else put(at, rng.int(2) === 0 ? NAMES[rng.int(NAMES.length)]! : `${key}s`, at[key]!);
      return;
    case 3: {
      const found = object[key];
      if (typeof found === "number") object[key] = found + rng.int(3) - 1;
      else if (typeof found === "string") object[key] = damagedText(rng, found);
      else object[key] = [found!];
      return;
    }
    default:
      put(object, String(key), RAW + HOSTILE[rng.int(HOSTILE.length)]!);
  }
}

/** Sets a member, one named "__proto__" too. */
function put(object: JsonObject, key: string, value: Json): void {
  Object.defineProperty(object, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function damagedText(rng: Rng, text: string): string {
  const at = rng.int(text.length + 1);
  return text.slice(0, at) + ["", "x", "\u0000", "[", "🙂", text][rng.int(6)]! +
    text.slice(at + rng.int(2));
}

/** Gives a JSON file with one to three changes of its values, its names or its bytes. */
export function mutateJson(rng: Rng, sound: Json): Uint8Array<ArrayBuffer> {
  if (rng.int(40) === 0) return new TextEncoder().encode(HOSTILE[rng.int(HOSTILE.length)]);
  const value = structuredClone(sound);
  for (let i = rng.int(3); i >= 0; i--) change(rng, value);
  const text = JSON.stringify(value).replace(
    /"\\u0001raw:((?:[^"\\]|\\.)*)"/g,
    (_, raw) => JSON.parse(`"${raw}"`),
  );
  const bytes = new TextEncoder().encode(text);
  return rng.int(4) === 0 ? mutate(rng, bytes, anywhere) : bytes;
}

/** Gives a text with one to three damages: of lines, of marks that mean something in it, of bytes. */
export function mutateText(
  rng: Rng,
  sound: Uint8Array<ArrayBuffer>,
  marks: readonly string[],
): Uint8Array<ArrayBuffer> {
  let bytes = sound;
  for (let i = rng.int(3); i >= 0; i--) {
    const kind = rng.int(8);
    const at = rng.int(bytes.length + 1);
    if (kind < 4) {
      const mark = marks[rng.int(marks.length)]!;
      const copies = rng.int(500) === 0 ? 20_000 : rng.int(10) === 0 ? 40 : 1;
      bytes = splice(bytes, at, 0, new TextEncoder().encode(mark.repeat(copies)));
    } else if (kind < 6) {
      const lines = new TextDecoder().decode(bytes).split("\n");
      const line = rng.int(lines.length);
      const moved = kind === 4 ? [] : [lines[rng.int(lines.length)]!];
      lines.splice(line, 1, ...moved);
      bytes = new TextEncoder().encode(lines.join("\n"));
    } else if (bytes.length > 0) {
      bytes = mutate(rng, bytes, anywhere);
    }
  }
  return bytes;
}
