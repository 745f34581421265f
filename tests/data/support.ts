/** What the data tests share: files made for a test, passes over them, and real data where it is. */

import { join } from "@std/path";
import { Ingest, type IngestOptions, type SplitPair } from "../../src/data/ingest.ts";
import type { RowShape } from "../../src/data/pair_reader.ts";
import { findFiles } from "../../src/data/source_files.ts";
import type { Tally } from "../../src/data/tally.ts";

/** The repository's root. */
export const ROOT = new URL("../../", import.meta.url).pathname;

/** This layer's fixtures. */
export const FIXTURES = join(ROOT, "tests/fixtures/data");

/** A folder that is gone after the test. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
  /** Writes a file, by its name in the folder. */
  write(name: string, data: string | Uint8Array): Promise<void>;
}

/** Makes a temporary folder with files. */
export async function tempDir(files: Record<string, string | Uint8Array> = {}): Promise<TempDir> {
  const path = await Deno.makeTempDir({ prefix: "oddsmith-data-" });
  const write = async (name: string, data: string | Uint8Array): Promise<void> => {
    const target = join(path, name);
    await Deno.mkdir(join(target, ".."), { recursive: true });
    await Deno.writeFile(target, typeof data === "string" ? new TextEncoder().encode(data) : data);
  };
  for (const [name, data] of Object.entries(files)) await write(name, data);
  return { path, write, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** A source as tests name it. */
export interface TestSource extends RowShape {
  path: string;
  weight?: number;
  limit?: number;
}

/** A pass's options as tests give them. */
export interface TestOptions extends Partial<Omit<IngestOptions, "sources" | "evalSources">> {
  evalSources?: TestSource[];
}

/** Runs a pass over sources in a folder and keeps all of it. */
export async function ingestAll(
  dir: string,
  sources: TestSource[],
  options: TestOptions = {},
): Promise<{ pairs: SplitPair[]; tally: Tally }> {
  const resolvePath = (path: string) => join(dir, path);
  const found = async ({ path, weight = 1, ...rest }: TestSource) => ({
    ...rest,
    weight,
    files: await findFiles(path, undefined, { resolvePath }),
  });
  const pass = new Ingest({
    evalFraction: 0,
    splitSalt: "",
    onBadRow: "drop",
    onLeakage: "drop",
    ...options,
    sources: await Promise.all(sources.map(found)),
    evalSources: await Promise.all((options.evalSources ?? []).map(found)),
  });
  return { pairs: await Array.fromAsync(pass.pairs()), tally: pass.tally };
}

/** Rows as JSON Lines. */
export function jsonl(rows: readonly unknown[]): string {
  return rows.map((row) => JSON.stringify(row) + "\n").join("");
}

/** A pair of short texts, different for each number. */
export function numberPair(n: number): { prompt: string; chosen: string; rejected: string } {
  return { prompt: `${n} and`, chosen: ` ${n + 1}`, rejected: " tea" };
}

const REAL_DATA = join(ROOT, "../shared/data");

/** Registers a test on real data, skipped with its reason where the data is not there. */
export function realDataTest(
  name: string,
  path: string,
  fn: (file: string) => Promise<void>,
): void {
  const file = join(REAL_DATA, path);
  let there = true;
  try {
    Deno.statSync(file);
  } catch {
    there = false;
    console.log(`skipped "${name}": ../shared/data/${path} is not there`);
  }
  Deno.test({ name, ignore: !there, fn: () => fn(file) });
}
