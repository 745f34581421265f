/** Many rows in flat memory: what is kept of a row is its hash. */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { gzipSync } from "node:zlib";
import { Ingest } from "../../src/data/ingest.ts";
import { findFiles } from "../../src/data/source_files.ts";
import { jsonl, tempDir } from "./support.ts";

const ROWS = 60_000;
const BLOCK_ROWS = 2_000;

/** 60,000 rows of about 1 kB, in gzip members (as pigz and bgzip write them). */
async function writeRows(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const filler = "word ".repeat(90);
  for (let from = 0; from < ROWS; from += BLOCK_ROWS) {
    const rows = Array.from({ length: BLOCK_ROWS }, (_, index) => ({
      prompt: `question ${from + index} ${filler}`,
      chosen: `yes ${filler}`,
      rejected: `no ${index}`,
    }));
    const bytes = gzipSync(jsonl(rows), { level: 1 });
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  }
}

Deno.test("Ingest: 60,000 rows of 1 kB pass in a heap that does not grow with them", async () => {
  await using dir = await tempDir();
  await writeRows(join(dir.path, "rows.jsonl.gz"));
  const context = { resolvePath: (path: string) => join(dir.path, path) };
  const pass = new Ingest({
    sources: [{ files: await findFiles("rows.jsonl.gz", undefined, context), weight: 1 }],
    evalSources: [],
    evalFraction: 0.1,
    splitSalt: "",
    onBadRow: "drop",
    onLeakage: "drop",
  });
  const before = Deno.memoryUsage();
  let highest = 0;
  let count = 0;
  for await (const _ of pass.pairs()) {
    if (++count % 1000 > 0) continue;
    const { heapUsed, external } = Deno.memoryUsage();
    highest = Math.max(highest, heapUsed + external - before.heapUsed - before.external);
  }
  assertEquals(count, ROWS);
  // The rows are 58 MB of text; garbage not yet collected and the hashes are what is counted here.
  assert(highest < 40e6, `${Math.round(highest / 1e6)} MB`);
});
