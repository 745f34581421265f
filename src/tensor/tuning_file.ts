/**
 * Keeps measured speeds on disk, one file an adapter, in the user's cache folder. A cache: a file
 * that cannot be read is as good as none, one that cannot be written costs a second next time.
 */

import { join } from "@std/path";
import { writeFileAtomic } from "../base/atomic.ts";
import { cacheDir } from "../base/cache_dir.ts";
import { sha256 } from "../base/hash.ts";
import type { AdapterFacts } from "./device.ts";
import type { Tuning } from "./tuning.ts";

/** What is known of one adapter. */
export interface TuningRecord {
  readonly version: number;
  readonly adapter: AdapterFacts;
  /** When it was last added to, ISO 8601. */
  readonly measuredAt: string;
  readonly tuning: Tuning;
}

/** Raised where kernels change so that old measurements mislead. */
const VERSION = 1;
const PREFIX = "tuning-";

/** Reads what is known of an adapter; undefined: nothing, or of other kernels. */
export async function readTuning(adapter: AdapterFacts): Promise<Tuning | undefined> {
  const path = pathOf(adapter);
  return path === undefined ? undefined : (await readRecord(path))?.tuning;
}

/** Keeps what is known of an adapter. Says nothing where the cache folder cannot be written. */
export async function writeTuning(adapter: AdapterFacts, tuning: Tuning): Promise<void> {
  const path = pathOf(adapter);
  const dir = cacheDir();
  if (path === undefined || dir === undefined) return;
  const measuredAt = new Date().toISOString();
  const record: TuningRecord = { version: VERSION, adapter, measuredAt, tuning };
  try {
    await Deno.mkdir(dir, { recursive: true });
    await writeFileAtomic(path, JSON.stringify(record, null, 2) + "\n");
  } catch {
    // A home that is read-only or full must not stop a training.
  }
}

/** Everything that is known, adapter by adapter, for people to look at. */
export async function listTunings(): Promise<TuningRecord[]> {
  const dir = cacheDir();
  if (dir === undefined) return [];
  const records: TuningRecord[] = [];
  try {
    for await (const { name } of Deno.readDir(dir)) {
      if (!name.startsWith(PREFIX) || !name.endsWith(".json")) continue;
      const record = await readRecord(join(dir, name));
      if (record) records.push(record);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return records;
}

function pathOf({ vendor, architecture, description, software }: AdapterFacts): string | undefined {
  const dir = cacheDir();
  const digest = sha256(JSON.stringify([vendor, architecture, description, software]));
  return dir === undefined ? undefined : join(dir, `${PREFIX}${digest.slice(0, 16)}.json`);
}

async function readRecord(path: string): Promise<TuningRecord | undefined> {
  try {
    const record: unknown = JSON.parse(await Deno.readTextFile(path));
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is TuningRecord {
  if (typeof value !== "object" || value === null) return false;
  const { version, adapter, tuning } = value as Partial<TuningRecord>;
  return version === VERSION && typeof adapter === "object" && isTuning(tuning);
}

function isTuning(value: unknown): value is Tuning {
  const isObject = (x: unknown): x is object => typeof x === "object" && x !== null;
  return isObject(value) &&
    Object.values(value).every((classes) =>
      isObject(classes) &&
      Object.values(classes).every((speeds) =>
        isObject(speeds) && Object.values(speeds).every((speed) => speed > 0)
      )
    );
}
