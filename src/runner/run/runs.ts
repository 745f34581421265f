/**
 * Looking at runs after the fact: listing them, reading one, finding what it made. Reads only.
 *
 * Invariant: a run whose process is gone is never shown as running, whatever its manifest says.
 */

import { basename, dirname, join, resolve } from "@std/path";
import { OddsmithError } from "../../base/error.ts";
import { lockHolder } from "../store/lock.ts";
import type { Manifest, RunStatus } from "./manifest.ts";
import { namesIn, Store } from "../store/store.ts";
import { asStored, type Stored } from "../store/stored_shapes.ts";
import {
  artifactGone,
  badManifest,
  runAmbiguous,
  runNotFound,
  unknownArtifact,
} from "../store/store_errors.ts";

/** A run as it was left. */
export interface RunRecord {
  /** The folder's name. */
  readonly id: string;
  /** The folder, absolute. */
  readonly dir: string;
  /** As in the manifest, but "killed" where it says "running" and no process holds the run. */
  readonly status: RunStatus;
  /** The manifest, with the same correction made to its stages. */
  readonly manifest: Manifest;
}

/** An artifact of a run, found in the store. */
export interface FoundArtifact {
  /** "stage-id.port". */
  readonly ref: string;
  /** "kind@version". */
  readonly type: string;
  /** Content digest. */
  readonly digest: string;
  /** The folder of its files, absolute. */
  readonly dir: string;
  /** Of all its files. */
  readonly sizeBytes: number;
}

/**
 * Lists the runs of a runs directory, newest first; none where there is no directory.
 *
 * @param onProblem Told of runs whose manifest cannot be read; they are left out.
 */
export async function listRuns(
  runsDir: string,
  onProblem: (problem: OddsmithError) => void = () => {},
): Promise<RunRecord[]> {
  const runs: RunRecord[] = [];
  for (const id of await runIds(runsDir)) {
    try {
      runs.push(await readRunDir(join(resolve(runsDir), id)));
    } catch (error) {
      if (!(error instanceof OddsmithError)) throw error;
      onProblem(error);
    }
  }
  return runs.sort((a, b) => before(b, a) ? -1 : 1);
}

/**
 * Reads a run.
 *
 * @param which "latest", the start or the end of a run's id, or a run's folder.
 * @throws RunError RUN_NOT_FOUND, RUN_AMBIGUOUS, BAD_MANIFEST
 */
export async function readRun(which: string, runsDir: string): Promise<RunRecord> {
  if (await isFile(join(which, "manifest.json"))) return await readRunDir(resolve(which));
  const ids = (await runIds(runsDir)).sort().reverse();
  if (which === "latest") {
    const [newest] = await listRuns(runsDir);
    if (!newest) throw runNotFound(which, runsDir, ids);
    return newest;
  }
  const matching = which === ""
    ? []
    : ids.filter((id) => id.startsWith(which) || id.endsWith(which));
  if (matching.length === 0) throw runNotFound(which, runsDir, ids);
  if (matching.length > 1) throw runAmbiguous(which, runsDir, matching);
  return await readRunDir(join(resolve(runsDir), matching[0]!));
}

/**
 * Finds an artifact of a run and checks that the store still holds it whole.
 *
 * @param ref "stage-id.port", or "stage-id" where the stage has one output.
 * @throws RunError UNKNOWN_ARTIFACT, ARTIFACT_GONE
 */
export async function findArtifact(run: RunRecord, ref: string): Promise<FoundArtifact> {
  const all = run.manifest.stages.flatMap((stage) =>
    Object.entries(stage.outputs).map(([port, output]) => ({
      ...output,
      ref: `${stage.id}.${port}`,
      stageId: stage.id,
    }))
  );
  const ofStage = all.filter((artifact) => artifact.stageId === ref);
  const found = all.find((artifact) => artifact.ref === ref) ??
    (ofStage.length === 1 ? ofStage[0] : undefined);
  if (!found) throw unknownArtifact(ref, run.id, all.map((artifact) => artifact.ref));
  const store = new Store(dirname(run.dir));
  const dir = store.filesDir(found.digest);
  const check = await store.check(found.digest);
  if (check.state === "missing") throw artifactGone(found.ref, dir, "no longer in the store");
  if (check.state === "damaged") throw artifactGone(found.ref, dir, `damaged: ${check.why}`);
  const { type, digest, sizeBytes } = found;
  return { ref: found.ref, type, digest, sizeBytes, dir };
}

/** Names of the folders in a runs directory that hold a manifest. */
async function runIds(runsDir: string): Promise<string[]> {
  const ids: string[] = [];
  for (const name of await namesIn(runsDir)) {
    if (name.startsWith(".")) continue;
    if (await isFile(join(runsDir, name, "manifest.json"))) ids.push(name);
  }
  return ids;
}

async function readRunDir(dir: string): Promise<RunRecord> {
  const id = basename(dir);
  const held = (await lockHolder(new Store(dirname(dir)).runLock(id))).held;
  // Read after the lock was looked at: a run that ended in between has said so in its manifest.
  const manifest = await readManifest(join(dir, "manifest.json"));
  if (manifest.status !== "running" || held) return { id, dir, status: manifest.status, manifest };
  for (const stage of manifest.stages) if (stage.status === "running") stage.status = "killed";
  return { id, dir, status: "killed", manifest: { ...manifest, status: "killed" } };
}

async function readManifest(path: string): Promise<Manifest> {
  const json = await readJsonFile(path);
  const version = (json as Partial<Manifest> | null)?.manifestVersion;
  if (version !== 1) throw badManifest(path, "it has not the layout of version 1");
  const stored = asStored("manifest", json);
  if ("fault" in stored) throw badManifest(path, stored.fault);
  return stored.value;
}

/**
 * Reads the pipeline that a run was made of, as it was resolved.
 *
 * @throws RunError BAD_MANIFEST where the file is broken; as the system does where it is missing.
 */
export async function readPipelineJson(run: RunRecord): Promise<Stored["pipeline"]> {
  const path = join(run.dir, "pipeline.json");
  const stored = asStored("pipeline", await readJsonFile(path));
  if ("fault" in stored) throw badManifest(path, stored.fault);
  return stored.value;
}

async function readJsonFile(path: string): Promise<unknown> {
  const text = await Deno.readTextFile(path);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badManifest(path, (error as Error).message, error);
  }
}

/** Whether run `a` began before run `b`; ids settle a tie. */
function before(a: RunRecord, b: RunRecord): boolean {
  if (a.manifest.startedAt !== b.manifest.startedAt) {
    return a.manifest.startedAt < b.manifest.startedAt;
  }
  return a.id < b.id;
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}
