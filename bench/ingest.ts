/**
 * How fast, and in how much memory, ingest reads: made-up pairs of about 700 bytes, written to a
 * temporary file in each format and read back through the whole pass.
 *
 *     deno run -A bench/ingest.ts [--rows 1000000] [--formats jsonl,json,csv,jsonl.gz]
 */

import { parseArgs } from "@std/cli/parse-args";
import { join } from "@std/path";
import { gzipSync } from "node:zlib";
import { Rng } from "../src/base/rng.ts";
import { Ingest } from "../src/data/ingest.ts";
import { findFiles } from "../src/data/source_files.ts";

const BLOCK_ROWS = 5000;
const SYLLABLES = "ka to mi ren shu vel ora in da es pol qui".split(" ");

type Row = Record<"prompt" | "chosen" | "rejected", string>;

function* blocks(rows: number): Generator<Row[]> {
  const rng = Rng.fromSeed("bench/ingest");
  const words = Array.from({ length: 512 }, () => {
    const count = 1 + rng.int(3);
    return Array.from({ length: count }, () => SYLLABLES[rng.int(SYLLABLES.length)]).join("");
  });
  const text = (count: number) =>
    Array.from({ length: count }, () => words[rng.int(words.length)]).join(" ");
  for (let from = 0; from < rows; from += BLOCK_ROWS) {
    yield Array.from({ length: Math.min(BLOCK_ROWS, rows - from) }, (_, index) => ({
      prompt: `Question ${from + index}: ${text(20)}`,
      chosen: text(40),
      rejected: text(40),
    }));
  }
}

const toLines = (block: Row[]) => block.map((row) => JSON.stringify(row) + "\n").join("");

/** A block as text, given whether it is the first; the JSON array is closed by `closing`. */
const WRITERS: Record<string, (block: Row[], first: boolean) => string | Uint8Array> = {
  "jsonl": toLines,
  "jsonl.gz": (block) => gzipSync(toLines(block), { level: 6 }),
  "json": (block, first) =>
    (first ? "[" : ",") + block.map((row) => JSON.stringify(row)).join(",\n"),
  "csv": (block, first) =>
    (first ? "prompt,chosen,rejected\n" : "") +
    block.map((row) => `"${row.prompt}","${row.chosen}","${row.rejected}"\n`).join(""),
};

async function writeRows(path: string, format: string, rows: number): Promise<number> {
  using file = await Deno.open(path, { write: true, create: true });
  const encoder = new TextEncoder();
  let textBytes = 0;
  let first = true;
  const put = async (data: string | Uint8Array): Promise<void> => {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  };
  for (const block of blocks(rows)) {
    textBytes += encoder.encode(toLines(block)).length;
    await put(WRITERS[format]!(block, first));
    first = false;
  }
  if (format === "json") await put("]");
  return textBytes;
}

async function measure(dir: string, format: string, rows: number): Promise<string> {
  const name = `rows.${format}`;
  const textBytes = await writeRows(join(dir, name), format, rows);
  const files = await findFiles(name, undefined, { resolvePath: (path) => join(dir, path) });
  let peak = 0;
  const pass = new Ingest({
    sources: [{ files, weight: 1 }],
    evalSources: [],
    evalFraction: 0.1,
    splitSalt: "",
    onBadRow: "drop",
    onLeakage: "drop",
    onProgress: () => void (peak = Math.max(peak, Deno.memoryUsage().rss)),
  });
  const begun = performance.now();
  let kept = 0;
  for await (const _ of pass.pairs()) kept++;
  const seconds = (performance.now() - begun) / 1000;
  await Deno.remove(join(dir, name));
  return [
    format.padEnd(9),
    `${kept} rows`,
    `${(textBytes / 1e6).toFixed(0)} MB of text`,
    `${seconds.toFixed(1)} s`,
    `${(textBytes / 1e6 / seconds).toFixed(1)} MB/s`,
    `${Math.round(kept / seconds)} rows/s`,
    `peak RSS ${(peak / 1e6).toFixed(0)} MB`,
  ].join("  ");
}

const args = parseArgs(Deno.args, {
  string: ["rows", "formats"],
  default: { rows: "1000000", formats: "jsonl,json,csv,jsonl.gz" },
});
const dir = await Deno.makeTempDir({ prefix: "oddsmith-bench-" });
try {
  for (const format of args.formats.split(",")) {
    console.log(await measure(dir, format, Number(args.rows)));
  }
} finally {
  await Deno.remove(dir, { recursive: true });
}
