/**
 * The JSON that a runs directory holds, as it must be to be used. Read back it may have been cut
 * off, or changed by hand: what has another shape is not believed in part.
 */

import { z } from "zod";
import type { Manifest } from "../run/manifest.ts";
import type { ArtifactInfo } from "./artifact_files.ts";
import type { CacheRecord } from "./cache_records.ts";

/** Names an artifact, and with it a folder of the store. */
const digest = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 hexadecimal digits");
const size = z.int().min(0);
const elapsed = z.number().min(0);
const time = z.string().refine((text) => !Number.isNaN(Date.parse(text)), "expected a time");
const facts = z.record(z.string(), z.unknown());
const texts = z.record(z.string(), z.string());
const outputs = z.record(
  z.string(),
  z.looseObject({ digest, type: z.string(), sizeBytes: size }),
);

const stage = z.looseObject({
  id: z.string(),
  uses: z.string(),
  name: z.string(),
  version: z.string(),
  status: z.enum([
    "pending",
    "running",
    "reused",
    "done",
    "failed",
    "interrupted",
    "skipped",
    "killed",
  ]),
  reason: z.string().optional(),
  cacheKey: digest.optional(),
  madeBy: z.string().optional(),
  startedAt: time.optional(),
  elapsedMs: elapsed.optional(),
  inputs: z.record(z.string(), z.looseObject({ ref: z.string(), digest })),
  outputs,
  facts,
  error: z.string().optional(),
});

const manifest = z.looseObject({
  manifestVersion: z.literal(1),
  id: z.string(),
  pipeline: z.string(),
  file: z.string().nullable(),
  seed: z.number(),
  device: z.string(),
  overrides: facts,
  options: z.looseObject({}),
  status: z.enum(["running", "done", "failed", "interrupted", "killed"]),
  startedAt: time,
  elapsedMs: elapsed.optional(),
  pid: z.number(),
  versions: texts,
  error: z.string().optional(),
  stages: z.array(stage),
});

const pipeline = z.looseObject({
  seed: z.number(),
  device: z.string(),
  stages: z.array(z.looseObject({ id: z.string(), config: facts })),
});

const artifact = z.looseObject({
  digest,
  kind: z.string(),
  version: z.number(),
  sizeBytes: size,
  files: z.array(
    z.looseObject({ path: z.string(), sizeBytes: size, sha256: digest, mtimeMs: z.number() }),
  ),
});

const record = z.looseObject({
  key: digest,
  parts: z.looseObject({
    contract: z.number(),
    stage: z.string(),
    version: z.string(),
    module: z.string().nullable(),
    source: z.string().nullable(),
    config: facts,
    inputs: texts,
    outputs: texts,
    seed: z.string(),
    files: texts,
  }),
  outputs,
  facts,
  runId: z.string(),
  elapsedMs: elapsed,
});

const pointer = z.looseObject({ key: digest });

const SHAPES = { manifest, pipeline, artifact, record, pointer };

/** What each of the files holds. */
export interface Stored {
  /** manifest.json of a run. */
  manifest: Manifest;
  /** pipeline.json of a run. */
  pipeline: z.infer<typeof pipeline>;
  /** artifact.json. */
  artifact: ArtifactInfo;
  /** keys/<cache key>.json. */
  record: CacheRecord;
  /** latest/<hash>.json. */
  pointer: { key: string };
}

/** A value as what it should be, or the first thing that is wrong with it. */
export function asStored<K extends keyof Stored>(
  kind: K,
  value: unknown,
): { value: Stored[K] } | { fault: string } {
  const { error, data } = SHAPES[kind].safeParse(value);
  // Not the value itself: it may have members, such as "__proto__", that nothing has looked at.
  if (!error) return { value: data as unknown as Stored[K] };
  const { path, message } = error.issues[0]!;
  return { fault: path.length === 0 ? message : `"${path.join(".")}": ${message}` };
}

/** A file's value; undefined where it is missing or damaged. */
export async function readStored<K extends keyof Stored>(
  kind: K,
  path: string,
): Promise<Stored[K] | undefined> {
  try {
    const stored = asStored(kind, JSON.parse(await Deno.readTextFile(path)));
    return "value" in stored ? stored.value : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
