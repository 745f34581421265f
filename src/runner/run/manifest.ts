/**
 * The manifest of a run: what ran, on what, with which result. Types, and the file that keeps
 * them.
 *
 * Invariant: manifest.json is whole at every moment, and what it says was true when it was
 * written; a run that was killed leaves one that says "running".
 */

import { writeFileAtomic } from "../../base/atomic.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import type { OutputRecord } from "../store/cache_records.ts";

/** How a run stands; `readRun` says "killed" of one that is "running" without a process. */
export type RunStatus = "running" | "done" | "failed" | "interrupted" | "killed";

/** How a stage of a run stands; "skipped" stages were not asked for. */
export type StageStatus =
  | "pending"
  | "running"
  | "reused"
  | "done"
  | "failed"
  | "interrupted"
  | "skipped"
  | "killed";

/** An input as a stage got it. */
export interface InputRecord {
  /** "stage-id.port" of the producer. */
  ref: string;
  /** Content digest. */
  digest: string;
}

/** What a run says of one stage. */
export interface StageRecord {
  /** The stage's id in the pipeline. */
  id: string;
  /** As the pipeline names the stage. */
  uses: string;
  /** The stage's own name. */
  name: string;
  /** The stage's version. */
  version: string;
  /** How it stands. */
  status: StageStatus;
  /** Why it ran or was reused. */
  reason?: string;
  /** The cache key of its result. */
  cacheKey?: string;
  /** The run that made the result, where it was reused. */
  madeBy?: string;
  /** ISO 8601, UTC. */
  startedAt?: string;
  /** How long it ran, in milliseconds. */
  elapsedMs?: number;
  /** Inputs by port. */
  inputs: Record<string, InputRecord>;
  /** Outputs by port. */
  outputs: Record<string, OutputRecord>;
  /** What it passed to `record`. */
  facts: JsonObject;
  /** The formatted error of a failed stage. */
  error?: string;
}

/** The versions a run was made with. */
export interface Versions {
  /** This program. */
  oddsmith: string;
  /** The Deno that ran it. */
  deno: string;
  /** Its JavaScript engine. */
  v8: string;
  /** E.g. "linux x86_64", with the release where Deno may read it. */
  os: string;
}

/** A run's manifest.json. */
export interface Manifest {
  /** Of this layout. */
  manifestVersion: 1;
  /** The run's folder name. */
  id: string;
  /** The pipeline's name. */
  pipeline: string;
  /** The pipeline's file, absolute; null for a pipeline built in memory. */
  file: string | null;
  /** The run's seed. */
  seed: number;
  /** The device that was asked for. */
  device: string;
  /** --set assignments. */
  overrides: Record<string, Json>;
  /** --until, --only and --force, as given. */
  options: { until?: string; only?: string; force?: readonly string[] | true };
  /** How the run stands. */
  status: RunStatus;
  /** ISO 8601, UTC. */
  startedAt: string;
  /** How long it took, in milliseconds; absent while it runs. */
  elapsedMs?: number;
  /** The process that made it. */
  pid: number;
  /** What it was made with. */
  versions: Versions;
  /** The formatted error of a failed run. */
  error?: string;
  /** One record a stage, in the pipeline's order. */
  stages: StageRecord[];
}

/** Keeps a manifest's file as its value changes. */
export class ManifestFile {
  /** The value; change it through `change`. */
  readonly manifest: Manifest;
  readonly #path: string;
  #stale = false;
  #writing: Promise<void> | undefined;
  #failure: unknown;

  /** Takes over a manifest whose first version is already on disk. */
  constructor(path: string, manifest: Manifest) {
    this.#path = path;
    this.manifest = manifest;
  }

  /** Changes the value and starts writing it; changes made meanwhile go out together. */
  change(apply: (manifest: Manifest) => void): void {
    apply(this.manifest);
    this.#stale = true;
    this.#writing ??= this.#write();
  }

  /** Waits until the file holds the value. Throws what kept it from being written. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failure === undefined) return;
    const failure = this.#failure;
    this.#failure = undefined;
    throw failure;
  }

  async #write(): Promise<void> {
    try {
      while (this.#stale) {
        this.#stale = false;
        await writeFileAtomic(this.#path, manifestText(this.manifest));
      }
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#writing = undefined;
    }
  }
}

/** A manifest as it is written. */
export function manifestText(manifest: Manifest): string {
  return JSON.stringify(manifest, null, 2) + "\n";
}
