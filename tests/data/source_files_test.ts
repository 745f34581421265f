import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { findFiles } from "../../src/data/source_files.ts";
import { tempDir } from "./support.ts";

const FILES = {
  "b.jsonl": "",
  "a.json": "",
  "notes.md": "",
  ".hidden.json": "",
  "deep/c.csv.gz": "",
  "deep/er/d.parquet": "",
  ".git/e.json": "",
  "we[ir]d.json": "",
};

async function namesIn(path: string): Promise<string[]> {
  await using dir = await tempDir(FILES);
  const found = await findFiles(path, undefined, { resolvePath: (path) => join(dir.path, path) });
  return found.map(({ name, format }) => `${name} ${format}`);
}

const CASES: Record<string, string[]> = {
  "a.json": ["a.json json"],
  ".": [
    "a.json json",
    "b.jsonl jsonl",
    "deep/c.csv.gz csv",
    "deep/er/d.parquet parquet",
    "we[ir]d.json json",
  ],
  "deep": ["deep/c.csv.gz csv", "deep/er/d.parquet parquet"],
  "*.json*": ["a.json json", "b.jsonl jsonl", "we[ir]d.json json"],
  "**/*.{csv.gz,parquet}": ["deep/c.csv.gz csv", "deep/er/d.parquet parquet"],
  "deep/*/d.*": ["deep/er/d.parquet parquet"],
  "we[ir]d.json": ["we[ir]d.json json"],
};

for (const [path, names] of Object.entries(CASES)) {
  Deno.test(`findFiles: "${path}" gives its files, sorted`, async () => {
    assertEquals(await namesIn(path), names);
  });
}

Deno.test("findFiles: a format that is set overrides names", async () => {
  await using dir = await tempDir({ "rows.txt": "" });
  const context = { resolvePath: (path: string) => join(dir.path, path) };
  assertEquals((await findFiles("rows.txt", "jsonl", context))[0]!.format, "jsonl");
});

Deno.test("findFiles: a link to a file is followed", async () => {
  await using dir = await tempDir({ "blobs/1": "" });
  await Deno.mkdir(join(dir.path, "data"));
  await Deno.symlink(join(dir.path, "blobs/1"), join(dir.path, "data/a.json"));
  const context = { resolvePath: (path: string) => join(dir.path, path) };
  assertEquals((await findFiles("data", undefined, context)).map(({ name }) => name), [
    "data/a.json",
  ]);
});

Deno.test("findFiles: a path through a file is missing, not a crash", async () => {
  const error = await assertRejects(() => namesIn("a.json/b.json"), OddsmithError);
  assertEquals(error.code, "SOURCE_MISSING");
});
