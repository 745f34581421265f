/** Readers of rows against damaged files: named errors, or the rows that the file holds. */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Rng } from "../../src/base/rng.ts";
import { type DataFile, type Format, formatOfName, type RawRow } from "../../src/data/data_file.ts";
import { readRows } from "../../src/data/formats/read_rows.ts";
import { Ingest } from "../../src/data/ingest.ts";
import { fuzz, fuzzFolder, type Outcome, readOrRefuse } from "../fuzz/fuzz.ts";
import { anywhere, mutate, splice } from "../fuzz/mutations.ts";
import { mutateJson, mutateText } from "../fuzz/text_mutations.ts";
import { FIXTURES, jsonl, numberPair } from "./support.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const FOLDER = await fuzzFolder();

/** Reads a file's rows alone and as the ingest stage does; undefined where both refuse it. */
async function readFile(name: string, bytes: Bytes): Promise<RawRow[] | undefined> {
  const path = join(FOLDER, name);
  Deno.writeFileSync(path, bytes);
  const file: DataFile = { path, name, format: formatOfName(name)!, sizeBytes: bytes.length };
  const rows = await readOrRefuse(["DataError"], () => Array.fromAsync(readRows(file)));
  await readOrRefuse(["DataError"], async () => {
    const pass = new Ingest({
      sources: [{ files: [file], weight: 1 }],
      evalSources: [],
      evalFraction: 0,
      splitSalt: "",
      onBadRow: "drop",
      onLeakage: "drop",
    });
    const pairs = await Array.fromAsync(pass.pairs());
    assertEquals(pairs.length + pass.tally.dropped, rows!.flat().length);
    // What the stage writes of a pair is JSON.
    JSON.stringify(pairs);
  });
  return rows?.flat();
}

/** Fuzzes a format whose damaged files `mutateFile` makes; `check` tells of rows what must be so. */
function fuzzFormat(
  format: Format | string,
  mutateFile: (rng: Rng) => [name: string, bytes: Bytes],
  check: (rows: RawRow[], bytes: Bytes, name: string) => void,
  share?: number,
): void {
  Deno.test(`readRows: damaged ${format} is refused, or read as what it says`, async () => {
    await fuzz(format, async (rng): Promise<Outcome> => {
      const [name, bytes] = mutateFile(rng);
      if (Deno.env.get("FUZZ_SHOW")) {
        console.log(name, JSON.stringify(new TextDecoder("latin1").decode(bytes)));
      }
      const rows = await readFile(name, bytes);
      if (rows === undefined) return "refused";
      assertEquals(rows.map(({ row }) => row), rows.map((_, at) => at + 1));
      check(rows, bytes, name);
      return "read";
    }, share);
  });
}

const texts = [1, 2, 3].map(numberPair);
const turns = texts.map(({ prompt, chosen, rejected }) => ({
  prompt: [{ role: "user", content: prompt }],
  chosen: [{ role: "assistant", content: `${chosen} \n "é"` }],
  rejected: [{ role: "assistant", content: rejected }],
  score: 1.5,
}));
const encode = (text: string): Bytes => new TextEncoder().encode(text);
const strict = (bytes: Bytes): string => new TextDecoder("utf-8", { fatal: true }).decode(bytes);
const values = (rows: RawRow[]): unknown[] => rows.map(({ value }) => value);

const JSON_MARKS = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"',
  "\\",
  "\n",
  "\u0000",
  "null",
  "1e999",
  "\uFEFF",
];

function mutateRows(rng: Rng): [unknown, Bytes] {
  const rows = rng.int(2) === 0 ? texts : turns;
  const list = rng.int(3) === 0 ? { version: "1", data: rows, more: { n: [1] } } : rows;
  if (rng.int(2) === 0) return [list, mutateJson(rng, list)];
  return [list, mutateText(rng, encode(JSON.stringify(list, null, rng.int(2))), JSON_MARKS)];
}

fuzzFormat("JSON", (rng) => ["rows.json", mutateRows(rng)[1]], (rows, bytes) => {
  const text = strict(bytes).replace(/^\uFEFF/, "");
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch {
    // Objects one after another: each is JSON, and between them there is nothing but commas.
    let rest = text;
    for (const value of values(rows)) {
      assert(typeof value === "object" && value !== null && !Array.isArray(value));
      rest = rest.replace(/^[\s,]*/, "");
      assert(rest.startsWith("{"), "not one object after another");
      const end = [...rest.matchAll(/\}/g)].find(({ index }) => {
        try {
          return JSON.stringify(JSON.parse(rest.slice(0, index + 1))) === JSON.stringify(value);
        } catch {
          return false;
        }
      });
      assert(end !== undefined);
      rest = rest.slice(end.index + 1);
    }
    assertEquals(rest.replace(/[\s,]/g, ""), "");
    return;
  }
  const members = whole as Record<string, unknown>;
  const wrapped = ["data", "rows", "examples", "instances"].map((name) => members?.[name]);
  const lists = [whole, [whole], ...wrapped].filter(Array.isArray).map((list) =>
    JSON.stringify(list)
  );
  assert(lists.includes(JSON.stringify(values(rows))));
});

fuzzFormat("JSON Lines", (rng) => {
  const rows = rng.int(2) === 0 ? texts : turns;
  if (rng.int(2) === 0) return ["rows.jsonl", mutateText(rng, encode(jsonl(rows)), JSON_MARKS)];
  const at = rng.int(rows.length);
  const lines = rows.map((row, index) =>
    index === at ? mutateJson(rng, row) : encode(JSON.stringify(row))
  );
  return ["rows.jsonl", encode(lines.map((line) => new TextDecoder().decode(line)).join("\n"))];
}, (rows, bytes) => {
  const lines = strict(bytes).replace(/^\uFEFF/, "").split("\n").filter((line) =>
    line.trim() !== ""
  );
  assertEquals(values(rows), lines.map((line) => JSON.parse(line)));
});

const CSV = encode(
  'prompt,chosen,rejected\n"1, and",2,tea\n"2 ""and""\n",3,tea\n"[{""role"": ""user"", ""content"": ""é""}]",4,tea\n',
);

fuzzFormat("CSV", (rng) => {
  const marks = [
    ",",
    '"',
    '""',
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\u0000",
    "[{",
    '{"',
    "\uFEFF",
    "prompt,",
  ];
  return ["rows.csv", mutateText(rng, CSV, marks)];
}, (rows, bytes) => {
  strict(bytes);
  const names = values(rows).map((row) => Object.keys(row as object));
  for (const row of names) assertEquals(row, names[0]);
});

const LINES = [...texts, ...turns];
const MEMBER = new Uint8Array(gzipSync(jsonl(LINES)));
const PACKED: [string, Bytes][] = [
  ["rows.jsonl.gz", MEMBER],
  ["members.jsonl.gz", new Uint8Array([...MEMBER, ...MEMBER])],
  ["rows.jsonl.zst", new Uint8Array(zstdCompressSync(jsonl(LINES)))],
];

fuzzFormat("gzip and zstd", (rng) => {
  const [name, bytes] = PACKED[rng.int(PACKED.length)]!;
  return [name, mutate(rng, bytes, anywhere)];
}, (rows, bytes, name) => {
  if (name.endsWith(".zst") || bytes.length === 0) return;
  // A checksum guards each member: what is read is what was written, or a member was cut off whole.
  const isCut = bytes.subarray(MEMBER.length).every((byte) => byte === 0);
  assertEquals(values(rows), name === "rows.jsonl.gz" || isCut ? LINES : [...LINES, ...LINES]);
});

const CODECS = ["none", "snappy", "gzip", "zstd", "brotli", "lz4", "delta", "v2"];
const PARQUET = [
  "texts.parquet",
  "texts.parquet",
  ...CODECS.map((codec) => `pairs.${codec}.parquet`),
].map((name): [string, Bytes] => [name, Deno.readFileSync(join(FIXTURES, "formats", name))]);

/** Numbers as Parquet's headers have them, zigzag and seven bits a byte: 2^31 - 1, -1, 2^62 and so on. */
const NUMBERS = [
  [0xfe, 0xff, 0xff, 0xff, 0x0f],
  [0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x08],
  [0xf0, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0x00],
];

/** Damages a Parquet file: a number of its metadata or of a page, or bytes there. */
function mutateParquet(rng: Rng, sound: Bytes): Bytes {
  const footer = sound.length - 8 - new DataView(sound.buffer).getUint32(sound.length - 8, true);
  const aim = (rng: Rng, { length }: Bytes) =>
    rng.int(2) === 0
      ? Math.min(footer + rng.int(sound.length - footer), length - 1)
      : rng.int(length);
  if (rng.int(3) > 0) return mutate(rng, sound, aim);
  const at = aim(rng, sound);
  const put = Uint8Array.from(NUMBERS[rng.int(NUMBERS.length)]!);
  if (at < footer) return splice(sound, at, put.length, put);
  const damaged = splice(sound, at, 1, put);
  // The metadata's length must fit, or nothing of it is read.
  new DataView(damaged.buffer).setUint32(damaged.length - 8, damaged.length - 8 - footer, true);
  return damaged;
}

fuzzFormat("Parquet", (rng) => {
  const [name, sound] = PARQUET[rng.int(PARQUET.length)]!;
  return [name, mutateParquet(rng, sound)];
}, (rows) => {
  const [first] = values(rows) as Record<string, unknown>[];
  for (const row of values(rows) as Record<string, unknown>[]) {
    assertEquals(Object.keys(row), Object.keys(first!));
    assert(!Object.values(row).includes(undefined), Deno.inspect(row, { depth: 9 }));
  }
});
