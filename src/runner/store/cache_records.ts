/**
 * Cache records: which outputs a cache key led to, with the key's parts, so that a later plan can
 * reuse them or say what changed since.
 *
 * Invariant: a record is written only after the artifacts it names are in the store.
 */

import { writeFileAtomic } from "../../base/atomic.ts";
import { sha256 } from "../../base/hash.ts";
import type { JsonObject } from "../../base/json.ts";
import type { KeyParts } from "./cache_key.ts";
import { namesIn, type Store } from "./store.ts";
import { readStored } from "./stored_shapes.ts";

/** An output as records and manifests name it. */
export interface OutputRecord {
  /** Content digest; names the artifact in the store. */
  digest: string;
  /** "kind@version". */
  type: string;
  /** Of all its files. */
  sizeBytes: number;
}

/** What making the result of a cache key gave. */
export interface CacheRecord {
  /** The cache key. */
  readonly key: string;
  /** What the key was made of. */
  readonly parts: KeyParts;
  /** Outputs by port. */
  readonly outputs: Readonly<Record<string, OutputRecord>>;
  /** What the stage passed to `record`. */
  readonly facts: JsonObject;
  /** The run that made it. */
  readonly runId: string;
  /** How long that took. */
  readonly elapsedMs: number;
}

/** The cache records of a store. */
export class CacheRecords {
  readonly #store: Store;

  /** Reads and writes the records of `store`. */
  constructor(store: Store) {
    this.#store = store;
  }

  /** The record of a key; a missing or damaged one is undefined. */
  async get(key: string): Promise<CacheRecord | undefined> {
    const record = await readStored("record", this.#path(key));
    return record?.key === key ? record : undefined;
  }

  /** All readable records, in no particular order. */
  async *all(): AsyncGenerator<CacheRecord> {
    for (const name of await namesIn(this.#store.path("keys"))) {
      if (!/^[0-9a-f]{64}\.json$/.test(name)) continue;
      const record = await this.get(name.slice(0, 64));
      if (record) yield record;
    }
  }

  /** Writes a record; call it inside the store's guard. */
  async put(record: CacheRecord): Promise<void> {
    await writeFileAtomic(this.#path(record.key), JSON.stringify(record, null, 1) + "\n");
  }

  /** The record this pipeline's stage last made or reused. */
  async latest(pipeline: string, stageId: string): Promise<CacheRecord | undefined> {
    const pointer = await readStored("pointer", this.#latestPath(pipeline, stageId));
    return pointer ? await this.get(pointer.key) : undefined;
  }

  /** Says that this pipeline's stage last made or reused `key`; call it inside the guard. */
  async setLatest(pipeline: string, stageId: string, key: string): Promise<void> {
    const path = this.#latestPath(pipeline, stageId);
    if ((await readStored("pointer", path))?.key === key) return;
    await writeFileAtomic(path, JSON.stringify({ pipeline, stageId, key }) + "\n");
  }

  #path(key: string): string {
    return this.#store.path("keys", `${key}.json`);
  }

  #latestPath(pipeline: string, stageId: string): string {
    return this.#store.path("latest", `${sha256(JSON.stringify([pipeline, stageId]))}.json`);
  }
}
