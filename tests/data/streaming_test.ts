/** Readers at odd chunk boundaries, left early and interrupted; the damage they must notice. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { gzipSync } from "node:zlib";
import { OddsmithError } from "../../src/base/error.ts";
import { JsonSplitter } from "../../src/data/formats/json_splitter.ts";
import { splitLines } from "../../src/data/formats/lines.ts";
import { readRows } from "../../src/data/formats/read_rows.ts";
import { findFiles } from "../../src/data/source_files.ts";
import { FIXTURES, jsonl, numberPair, tempDir } from "./support.ts";

function inChunks(text: string, size: number): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, at) => bytes.slice(at * size, (at + 1) * size));
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

for (const size of [1, 2, 3, 7, 64]) {
  Deno.test(`splitLines: chunks of ${size} bytes give the same lines`, async () => {
    const text = "één\n\ntwo\r\nthree\nlast";
    const lines = (await Array.fromAsync(splitLines(asStream(inChunks(text, size))))).flat();
    assertEquals(lines.map(decode), text.split("\n"));
  });

  Deno.test(`JsonSplitter: chunks of ${size} bytes give the same rows and lines`, () => {
    const rows = [{ a: 'x\\"]' }, [1, [2]], "s,]", 12, true, { b: { c: ["}"] } }];
    const text = `[\n${rows.map((row) => JSON.stringify(row)).join(" ,\n")}\n]\n`;
    const splitter = new JsonSplitter();
    const pieces = inChunks(text, size).flatMap((chunk) => splitter.push(chunk));
    splitter.end();
    assertEquals(pieces.map(({ bytes }) => JSON.parse(decode(bytes))), rows);
    assertEquals(pieces.map(({ line }) => line), [2, 3, 4, 5, 6, 7]);
  });
}

async function* asStream(chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function open(dir: string, name: string) {
  const [file] = await findFiles(name, undefined, { resolvePath: (path) => join(dir, path) });
  return file!;
}

const LINES = jsonl(Array.from({ length: 20_000 }, (_, n) => numberPair(n)));
const FILES: Record<string, string | Uint8Array> = {
  "rows.jsonl": LINES,
  "rows.json": `[${LINES.trim().replaceAll("\n", ",")}]`,
  "rows.csv": `a,b\n${"one,two\n".repeat(20_000)}`,
  "rows.jsonl.gz": gzipSync(LINES),
};

for (const [name, data] of Object.entries(FILES)) {
  Deno.test(`readRows: ${name} left after a batch leaves nothing open`, async () => {
    await using dir = await tempDir({ [name]: data });
    for await (const batch of readRows(await open(dir.path, name))) {
      assert(batch.length > 0);
      break;
    }
  });

  Deno.test(`readRows: ${name} stops with the signal's reason`, async () => {
    await using dir = await tempDir({ [name]: data });
    const abort = new AbortController();
    abort.abort(new Error("enough"));
    const rows = readRows(await open(dir.path, name), { signal: abort.signal });
    await assertRejects(() => Array.fromAsync(rows), Error, "enough");
  });
}

Deno.test("readRows: tells all bytes of a file, compressed as it lies", async () => {
  await using dir = await tempDir(FILES);
  for (const name of [...Object.keys(FILES)]) {
    const file = await open(dir.path, name);
    let read = 0;
    for await (const _ of readRows(file, { onBytes: (count) => void (read += count) }));
    assertEquals(read, file.sizeBytes, name);
  }
});

for (const name of ["pairs.two_frames.jsonl.zst", "pairs.multi_member.jsonl.gz"]) {
  Deno.test(`readRows: ${name} cut anywhere is an error, never fewer rows`, async () => {
    const whole = await Deno.readFile(join(FIXTURES, "formats", name));
    await using dir = await tempDir();
    const silent: number[] = [];
    for (let length = 5; length < whole.length; length++) {
      await dir.write(name, whole.subarray(0, length));
      const rows = Array.fromAsync(readRows(await open(dir.path, name)));
      await rows.then(() => silent.push(length), (error) => assert(error instanceof OddsmithError));
    }
    assertEquals(silent, ends(name, whole));
  });
}

/** Lengths at which the file may end: between two members or frames. */
function ends(name: string, whole: Uint8Array): number[] {
  const magic = name.endsWith(".gz") ? [0x1f, 0x8b, 8] : [0x28, 0xb5, 0x2f, 0xfd];
  const skippable = [0x50, 0x2a, 0x4d, 0x18];
  const begins = (at: number, bytes: number[]) => bytes.every((byte, i) => whole[at + i] === byte);
  return Array.from(whole.keys()).filter((at) =>
    at > 4 && (begins(at, magic) || begins(at, skippable))
  );
}
