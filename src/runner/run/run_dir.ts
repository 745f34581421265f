/**
 * The directory of one run: pipeline.json, manifest.json, events.jsonl and stages/<id>/ with the
 * stage's log and a link to each of its outputs.
 *
 * Invariant: the directory appears whole, with its manifest, in one rename, and its lock is held
 * from before that until the run ends, however it ends.
 */

import { join, relative } from "@std/path";
import { writeDirAtomic, writeFileAtomic } from "../../base/atomic.ts";
import type { JsonObject } from "../../base/json.ts";
import { LineFile } from "./line_file.ts";
import { acquireLock, type HeldLock } from "../store/lock.ts";
import { type Manifest, ManifestFile, manifestText, type StageRecord } from "./manifest.ts";
import type { ResolvedPipeline } from "../resolved.ts";
import type { Selection, SelectionOptions } from "../plan/select.ts";
import type { Store } from "../store/store.ts";
import { versions } from "./versions.ts";

/** A run's directory while the run goes on. */
export class RunDir implements AsyncDisposable {
  /** The folder's name. */
  readonly id: string;
  /** The folder, absolute. */
  readonly dir: string;
  /** The resolved pipeline, as in pipeline.json. */
  readonly pipelineJson: JsonObject;
  /** The run's manifest. */
  readonly manifest: ManifestFile;
  /** The run's events.jsonl. */
  readonly events: LineFile;
  readonly #lock: HeldLock;

  private constructor(dir: string, pipelineJson: JsonObject, manifest: Manifest, lock: HeldLock) {
    this.id = manifest.id;
    this.dir = dir;
    this.pipelineJson = pipelineJson;
    this.manifest = new ManifestFile(join(dir, "manifest.json"), manifest);
    this.events = new LineFile(join(dir, "events.jsonl"));
    this.#lock = lock;
  }

  /** Makes the directory of a run that begins now. */
  static async create(
    store: Store,
    pipeline: ResolvedPipeline,
    selection: Selection,
    options: SelectionOptions,
  ): Promise<RunDir> {
    const manifest = await firstManifest(pipeline, selection, options);
    const owner = { pid: Deno.pid, runId: manifest.id, since: manifest.startedAt };
    const lock = await acquireLock(store.runLock(manifest.id), owner);
    if (!lock) throw new Error(`a run with the random id ${manifest.id} is there already`);
    const dir = join(store.runsDir, manifest.id);
    const pipelineJson = describePipeline(pipeline);
    try {
      await store.guard(() =>
        writeDirAtomic(dir, async (fresh) => {
          await Deno.mkdir(join(fresh, "stages"));
          const text = JSON.stringify(pipelineJson, null, 2) + "\n";
          await writeFileAtomic(join(fresh, "pipeline.json"), text);
          await writeFileAtomic(join(fresh, "manifest.json"), manifestText(manifest));
        })
      );
      return new RunDir(dir, pipelineJson, manifest, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** The record of a stage in the manifest. */
  record(stageId: string): StageRecord {
    return this.manifest.manifest.stages.find((stage) => stage.id === stageId)!;
  }

  /** Changes a stage's record and starts writing the manifest. */
  changeStage(stageId: string, values: Partial<StageRecord>): void {
    this.manifest.change(() => Object.assign(this.record(stageId), values));
  }

  /** The folder of a stage, made on first use. */
  async stageDir(stageId: string): Promise<string> {
    const dir = join(this.dir, "stages", fileName(stageId));
    await Deno.mkdir(dir, { recursive: true });
    return dir;
  }

  /** The log of a stage, in its folder. */
  logPath(stageId: string): string {
    return join(this.dir, "stages", fileName(stageId), "log.txt");
  }

  /** Links a stage's outputs from its folder to the store. */
  async linkOutputs(store: Store, stageId: string): Promise<void> {
    const dir = await this.stageDir(stageId);
    for (const [port, output] of Object.entries(this.record(stageId).outputs)) {
      const target = relative(dir, store.filesDir(output.digest));
      try {
        await Deno.symlink(target, join(dir, port), { type: "dir" });
      } catch {
        // No right to make links (Windows, or permissions given folder by folder).
        const pointer = JSON.stringify({ digest: output.digest, dir: target }) + "\n";
        await writeFileAtomic(join(dir, `${port}.json`), pointer);
      }
    }
  }

  /** Lets go of the run: its files are closed and its lock is free. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.manifest.flush().catch(() => {});
    this.events[Symbol.dispose]();
    await this.#lock.release();
  }
}

async function firstManifest(
  pipeline: ResolvedPipeline,
  selection: Selection,
  options: SelectionOptions,
): Promise<Manifest> {
  const startedAt = new Date().toISOString();
  const selected = new Set(selection.stages.map((stage) => stage.id));
  const { until, only, force } = options;
  return {
    manifestVersion: 1,
    id: runId(startedAt, pipeline.name),
    pipeline: pipeline.name,
    file: pipeline.file ?? null,
    seed: pipeline.seed,
    device: pipeline.device,
    overrides: { ...pipeline.overrides },
    options: {
      ...(until === undefined ? {} : { until }),
      ...(only === undefined ? {} : { only }),
      ...(force === undefined ? {} : { force }),
    },
    status: "running",
    startedAt,
    pid: Deno.pid,
    versions: await versions(),
    stages: pipeline.stages.map(({ id, uses, stage }) => ({
      id,
      uses,
      name: stage.name,
      version: stage.version,
      status: selected.has(id) ? "pending" : "skipped",
      inputs: {},
      outputs: {},
      facts: {},
    })),
  };
}

/** `20240131-101530-name-1a2b3c`: sorts by time, and no two runs share one. */
function runId(startedAt: string, name: string): string {
  const time = startedAt.slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  const random = crypto.getRandomValues(new Uint8Array(3)).toHex();
  return `${time}-${fileName(name)}-${random}`;
}

function describePipeline(pipeline: ResolvedPipeline): JsonObject {
  const stages = pipeline.stages.map((resolved): JsonObject => ({
    id: resolved.id,
    uses: resolved.uses,
    stage: resolved.stage.name,
    version: resolved.stage.version,
    config: resolved.configJson,
    inputs: Object.fromEntries(
      Object.entries(resolved.inputs).map(([port, from]) => [port, `${from.stageId}.${from.port}`]),
    ),
    ...(resolved.sourceDigest === undefined ? {} : { sourceDigest: resolved.sourceDigest }),
  }));
  return {
    name: pipeline.name,
    seed: pipeline.seed,
    device: pipeline.device,
    file: pipeline.file ?? null,
    baseDir: pipeline.baseDir,
    overrides: { ...pipeline.overrides },
    stages,
  };
}

/** A name that is safe as a file's on every system. */
function fileName(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_.-]+/g, "-").replace(/^\.+/, "").slice(0, 80) || "unnamed";
}
