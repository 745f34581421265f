/** Readers: the same rows from every format; what each format allows beside. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { gzipSync } from "node:zlib";
import { OddsmithError } from "../../src/base/error.ts";
import type { RawRow } from "../../src/data/data_file.ts";
import { readRows } from "../../src/data/formats/read_rows.ts";
import { findFiles } from "../../src/data/source_files.ts";
import { FIXTURES, jsonl, numberPair, tempDir } from "./support.ts";

const ROWS = [1, 2, 3].map(numberPair);

async function readAll(dir: string, name: string): Promise<RawRow[]> {
  const [file] = await findFiles(name, undefined, { resolvePath: (path) => join(dir, path) });
  return (await Array.fromAsync(readRows(file!))).flat();
}

async function valuesOf(name: string, data: string | Uint8Array): Promise<unknown[]> {
  await using dir = await tempDir({ [name]: data });
  const rows = await readAll(dir.path, name);
  assertEquals(rows.map(({ row }) => row), rows.map((_, index) => index + 1));
  return rows.map(({ value }) => value);
}

const BOM = "\uFEFF";
const CSV = `prompt,chosen,rejected\n${
  ROWS.map((row) => Object.values(row).join(",")).join("\n")
}\n`;
const ARRAY = JSON.stringify(ROWS);
const FORMS: Record<string, [file: string, text: string]> = {
  "JSON lines": ["a.jsonl", jsonl(ROWS)],
  "JSON lines without a last line feed": ["a.ndjson", jsonl(ROWS).trimEnd()],
  "JSON lines with CRLF, blank lines and a byte order mark": [
    "a.jsonl",
    BOM + jsonl(ROWS).replaceAll("\n", "\r\n\r\n"),
  ],
  "a JSON array": ["a.json", ARRAY],
  "an indented JSON array with CRLF and a byte order mark": [
    "a.json",
    BOM + JSON.stringify(ROWS, null, 2).replaceAll("\n", "\r\n"),
  ],
  "an object that wraps the array": [
    "a.json",
    `{"version": "1.0", "count": 3, "data": ${ARRAY}, "more": {"x": [1, "]"]}}`,
  ],
  "objects one after another in a .json file": ["a.json", jsonl(ROWS)],
  "objects separated by commas": ["a.json", ROWS.map((row) => JSON.stringify(row)).join(",\n")],
  "CSV": ["a.csv", CSV],
  "CSV with CRLF and a byte order mark": ["a.csv", BOM + CSV.replaceAll("\n", "\r\n")],
  "tab-separated values": ["a.tsv", CSV.replaceAll(",", "\t")],
};

for (const [form, [name, text]] of Object.entries(FORMS)) {
  Deno.test(`readRows: reads ${form}`, async () => {
    assertEquals(await valuesOf(name, text), ROWS);
  });
}

Deno.test("readCsv: keeps commas, quotes and line ends in quoted cells", async () => {
  const rows = await valuesOf(
    "a.csv",
    'prompt,chosen\n"a, ""b""\nc",d\ne,"[{""role"": ""user""}]"\n',
  );
  assertEquals(rows, [
    { prompt: 'a, "b"\nc', chosen: "d" },
    { prompt: "e", chosen: [{ role: "user" }] },
  ]);
});

Deno.test("readCsv: a cell that only looks like JSON stays text", async () => {
  const rows = await valuesOf("a.csv", 'a,b\n"[{x","[1, 2]"\n');
  assertEquals(rows, [{ a: "[{x", b: "[1, 2]" }]);
});

Deno.test("readJson: strings with brackets, quotes, escapes and U+FEFF do not cut a row", async () => {
  const rows = [
    { a: '}]"\\', b: [["[{"], '\\\\"', "\uFEFF"] },
    { a: "\u2028" },
    7,
    "x,]",
    null,
    [],
  ];
  assertEquals(await valuesOf("a.json", JSON.stringify(rows)), rows);
  assertEquals(await valuesOf("a.json", JSON.stringify(rows, null, 1)), rows);
});

const PAIRS: object[] = JSON.parse(
  `[${Deno.readTextFileSync(join(FIXTURES, "formats/pairs.jsonl")).trim().replaceAll("\n", ",")}]`,
);

for (
  const name of [
    "pairs.multi_member.jsonl.gz",
    "pairs.two_frames.jsonl.zst",
    ...["none", "snappy", "gzip", "zstd", "brotli", "lz4"].map((codec) => `pairs.${codec}.parquet`),
  ]
) {
  Deno.test(`readRows: ${name} holds the rows of pairs.jsonl`, async () => {
    const rows = await readAll(join(FIXTURES, "formats"), name);
    assertEquals(rows.map(({ value }) => value), PAIRS);
    assertEquals(rows.map(({ row }) => row), [1, 2, 3, 4, 5, 6, 7]);
  });
}

for (const name of ["pairs.delta.parquet", "pairs.v2.parquet"]) {
  Deno.test(`readRows: ${name} holds the rows of pairs.jsonl, and more columns`, async () => {
    const more = (at: number) => ({ note: `row ${at}`, seen: at % 2 === 0, count: BigInt(at) });
    const rows = await readAll(join(FIXTURES, "formats"), name);
    assertEquals(rows.map(({ value }) => value), PAIRS.map((row, at) => ({ ...row, ...more(at) })));
  });
}

for (
  const [name, start] of [["a.jsonl", '{"a": "'], ["a.json", '[{"a": "'], [
    "a.csv",
    'a\n"',
  ]] as const
) {
  Deno.test(`readRows: a row without end, compressed in ${name}.gz, is refused in time`, async () => {
    const bytes = gzipSync(start + "x".repeat(3 << 25), { level: 1 });
    await using dir = await tempDir({ [`${name}.gz`]: new Uint8Array(bytes) });
    const error = await assertRejects(() => readAll(dir.path, `${name}.gz`), OddsmithError);
    assertMatch(error.message, /^Cannot read row 1.*longer than 64 MiB/);
    assertEquals(error.location, { file: `${name}.gz`, row: 1 });
  });
}

Deno.test("readRows: a gzip member that no longer begins as one is an error, padding is not", async () => {
  const member = new Uint8Array(gzipSync(jsonl(ROWS)));
  const padded = new Uint8Array([...member, 0, 0, 0, 0]);
  assertEquals(await valuesOf("a.jsonl.gz", padded), ROWS);
  const damaged = new Uint8Array([...member, 0, ...member.subarray(1)]);
  const error = await assertRejects(() => valuesOf("a.jsonl.gz", damaged), OddsmithError);
  assertEquals(error.code, "BAD_GZIP");
});

Deno.test("readCsv: a quoted cell of lines without end is refused in time", async () => {
  const bytes = gzipSync('a\n"' + `${"text ".repeat(200)}\n`.repeat(90_000), { level: 1 });
  await using dir = await tempDir({ "a.csv.gz": new Uint8Array(bytes) });
  const error = await assertRejects(() => readAll(dir.path, "a.csv.gz"), OddsmithError);
  assertEquals(error.code, "ROW_TOO_LONG");
});

Deno.test("readRows: a compressed file is known by its bytes, whatever its name", async () => {
  const bytes = await Deno.readFile(join(FIXTURES, "formats/pairs.multi_member.jsonl.gz"));
  assertEquals(await valuesOf("a.jsonl", bytes), PAIRS);
});
