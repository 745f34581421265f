/**
 * A data set as an artifact: rows in two splits, one JSON object a line, read and written as
 * streams. Knows nothing of what a row holds.
 */

import { join } from "@std/path";
import type { ArtifactType } from "./contract.ts";
import type { JsonObject } from "../base/json.ts";
import { OddsmithError } from "../base/error.ts";

/** The two halves of every data set here. */
export type Split = "train" | "eval";

/** A stored data set. */
export interface Dataset<Row> {
  /** Rows of each split. */
  readonly counts: Readonly<Record<Split, number>>;
  /** What the producing stage said of it. */
  readonly stats: JsonObject;
  /** Reads a split's rows in order, from disk as they are asked for. */
  rows(split: Split): AsyncIterable<Row>;
}

/** A data set being made: rows of both splits in one pass, statistics once they are all out. */
export interface DatasetDraft<Row> {
  /** The rows, in any mix of splits; written as they come. */
  rows: AsyncIterable<{ split: Split; row: Row }>;
  /** Facts about the whole set; called after the last row. */
  stats?: () => JsonObject;
}

/** Declares an artifact type whose value is a data set of `Row`s. */
export function datasetType<Row, K extends string = string>(
  kind: K,
  version: number,
): ArtifactType<Dataset<Row>, DatasetDraft<Row>, K> {
  return { kind, version, write: writeDataset, read: readDataset<Row> };
}

const CHUNK_CHARS = 1 << 18;

async function writeDataset<Row>(draft: DatasetDraft<Row>, dir: string): Promise<void> {
  await using train = await RowFile.create(join(dir, "train.jsonl"));
  await using evaluation = await RowFile.create(join(dir, "eval.jsonl"));
  const files = { train, eval: evaluation };
  for await (const { split, row } of draft.rows) {
    if (files[split].add(row)) await files[split].flush();
  }
  await train.finish();
  await evaluation.finish();
  const counts = { train: train.count, eval: evaluation.count };
  const head = { counts, stats: draft.stats?.() ?? {} };
  await Deno.writeTextFile(join(dir, "dataset.json"), JSON.stringify(head, null, 2) + "\n");
}

/** A split being written: the last chunk is on its way to the disk while the next one fills. */
class RowFile implements AsyncDisposable {
  readonly #file: Deno.FsFile;
  #pending = "";
  #writing: Promise<void> = Promise.resolve();
  #failure: { error: unknown } | undefined;
  count = 0;

  static async create(path: string): Promise<RowFile> {
    return new RowFile(await Deno.open(path, { write: true, createNew: true }));
  }

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Takes a row; true where it is time to flush. */
  add(row: unknown): boolean {
    this.#pending += JSON.stringify(row) + "\n";
    this.count++;
    return this.#pending.length > CHUNK_CHARS;
  }

  /** Starts to write what there is, once the chunk before it is written. */
  async flush(): Promise<void> {
    const bytes = new TextEncoder().encode(this.#pending);
    this.#pending = "";
    await this.#settle();
    this.#writing = this.#write(bytes).catch((error) => void (this.#failure = { error }));
  }

  async finish(): Promise<void> {
    await this.flush();
    await this.#settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    this.#file.close();
  }

  async #settle(): Promise<void> {
    await this.#writing;
    if (this.#failure) throw this.#failure.error;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
  }
}

async function readDataset<Row>(dir: string): Promise<Dataset<Row>> {
  const path = join(dir, "dataset.json");
  const text = await Deno.readTextFile(path);
  const head = parseStored<{ counts: Record<Split, number>; stats: JsonObject }>(text, path);
  if (!(head?.counts?.train >= 0 && head.counts.eval >= 0)) throw brokenPart(path);
  return {
    counts: head.counts,
    stats: head.stats,
    rows: (split) => readRows<Row>(join(dir, `${split}.jsonl`)),
  };
}

async function* readRows<Row>(path: string): AsyncGenerator<Row> {
  let row = 0;
  for await (const lines of readLines(path)) {
    for (const line of lines) {
      row++;
      if (line !== "") yield parseStored<Row>(line, path, row);
    }
  }
}

function parseStored<T>(text: string, path: string, row?: number): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw brokenPart(path, row, cause);
  }
}

function brokenPart(path: string, row?: number, cause?: unknown): OddsmithError {
  return new OddsmithError(
    "ArtifactError",
    row === undefined ? "DATASET_HEAD" : "DATASET_ROW",
    `Cannot read ${row === undefined ? "the head of a stored data set" : "a stored row"}: bad JSON`,
    {
      location: { file: path, row },
      hint: "the store was changed by hand; run again with --force",
      cause,
    },
  );
}

/** Reads a file's lines, as many at a time as a chunk holds; the next one is read meanwhile. */
async function* readLines(path: string): AsyncGenerator<string[]> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(CHUNK_CHARS);
  const decoder = new TextDecoder();
  let open = "";
  let reading = file.read(buffer);
  try {
    for (let size; (size = await reading) !== null;) {
      const lines = (open + decoder.decode(buffer.subarray(0, size), { stream: true })).split("\n");
      reading = file.read(buffer);
      open = lines.pop()!;
      yield lines;
    }
  } finally {
    await reading.catch(() => {});
  }
  open += decoder.decode();
  if (open !== "") yield [open];
}
