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
  const encoder = new TextEncoder();
  const open = async (split: Split) =>
    await Deno.open(join(dir, `${split}.jsonl`), { write: true, createNew: true });
  using train = await open("train");
  using evaluation = await open("eval");
  const files = { train, eval: evaluation };
  const pending = { train: "", eval: "" };
  const counts = { train: 0, eval: 0 };
  const flush = async (split: Split) => {
    const bytes = encoder.encode(pending[split]);
    pending[split] = "";
    for (let at = 0; at < bytes.length;) at += await files[split].write(bytes.subarray(at));
  };
  for await (const { split, row } of draft.rows) {
    pending[split] += JSON.stringify(row) + "\n";
    counts[split]++;
    if (pending[split].length > CHUNK_CHARS) await flush(split);
  }
  await flush("train");
  await flush("eval");
  const head = { counts, stats: draft.stats?.() ?? {} };
  await Deno.writeTextFile(join(dir, "dataset.json"), JSON.stringify(head, null, 2) + "\n");
}

async function readDataset<Row>(dir: string): Promise<Dataset<Row>> {
  const head = JSON.parse(await Deno.readTextFile(join(dir, "dataset.json")));
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
      if (line !== "") yield parseRow<Row>(line, path, row);
    }
  }
}

function parseRow<Row>(line: string, path: string, row: number): Row {
  try {
    return JSON.parse(line) as Row;
  } catch (cause) {
    throw brokenRow(path, row, cause);
  }
}

function brokenRow(path: string, row: number, cause: unknown): OddsmithError {
  return new OddsmithError(
    "ArtifactError",
    "DATASET_ROW",
    "Cannot read a stored row: bad JSON",
    {
      location: { file: path, row },
      hint: "the store was changed by hand; run again with --force",
      cause,
    },
  );
}

/** Reads a file's lines, as many at a time as a chunk of it holds. */
async function* readLines(path: string): AsyncGenerator<string[]> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(CHUNK_CHARS);
  const decoder = new TextDecoder();
  let open = "";
  for (let size; (size = await file.read(buffer)) !== null;) {
    const lines = (open + decoder.decode(buffer.subarray(0, size), { stream: true })).split("\n");
    open = lines.pop()!;
    yield lines;
  }
  open += decoder.decode();
  if (open !== "") yield [open];
}
