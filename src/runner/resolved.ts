/**
 * What loading makes and running takes: a pipeline with every stage found, every option checked
 * and every input connected. Types only; the loader builds it, the planner and the runner read it.
 */

import type { Json, JsonObject } from "../base/json.ts";
import type { ErrorLocation } from "../base/error.ts";
import type { AnyStage } from "./contract.ts";

/** One stage, ready to be planned. */
export interface ResolvedStage {
  /** Unique in the pipeline; part of paths and of references. */
  readonly id: string;
  /** What is run. */
  readonly stage: AnyStage;
  /** As the pipeline file names it. */
  readonly uses: string;
  /** The validated configuration with defaults; what `run` is given (frozen). */
  readonly config: unknown;
  /** The same as plain JSON; what cache keys and manifests hold. */
  readonly configJson: JsonObject;
  /** Input port -> the producing stage's id and output port; optional ports may be missing. */
  readonly inputs: Readonly<Record<string, { stageId: string; port: string }>>;
  /** sha256 over a local plugin's module graph; absent for built-in and registry modules. */
  readonly sourceDigest?: string;
  /** Where the file names the stage. */
  readonly location?: ErrorLocation;
}

/** A pipeline, ready to be planned: stages in an order that respects their inputs. */
export interface ResolvedPipeline {
  /** Part of the run folders' names. */
  readonly name: string;
  /** Of everything random. */
  readonly seed: number;
  /** auto | webgpu | wasm | cpu. */
  readonly device: string;
  /** Absolute. */
  readonly runsDir: string;
  /** Absolute; absent for a pipeline built in memory. */
  readonly file?: string;
  /** Absolute; relative paths in options start here. */
  readonly baseDir: string;
  /** No stage comes before one whose output it takes. */
  readonly stages: readonly ResolvedStage[];
  /** --set assignments, as given, for the manifest. */
  readonly overrides: Readonly<Record<string, Json>>;
}
