/**
 * The contract between the runner and every stage, built in or a user's own. Types and the helpers
 * that build them; nothing here runs a pipeline, and nothing here knows of tensors or text.
 *
 * Invariant: the runner uses a stage only through what this file names, so a plugin can do
 * whatever a built-in stage can.
 */

import type { Json, JsonObject } from "../base/json.ts";
import type { Forecast, ForecastContext } from "./forecast.ts";

export type { Forecast, ForecastContext, InputForecast } from "./forecast.ts";

/** The version of this contract; a stage names the one it was written for. */
export const API_VERSION = 1;

/**
 * A kind of artifact: what passes from stage to stage, and how it lies on disk.
 *
 * `R` is what a reader gets, `W` what a producing stage returns (often a stream, where R reads
 * lazily). A value's files must depend on the value alone: artifacts are stored by content.
 */
export interface ArtifactType<R, W = R, K extends string = string> {
  /** What ports are matched by, e.g. "preference-pairs"; `K` lets the compiler match them too. */
  readonly kind: K;
  /** Raised when the files' layout changes. */
  readonly version: number;
  /** Writes a value into an empty folder. */
  write(value: W, dir: string): Promise<void>;
  /** Reads what `write` wrote; large data is to be read lazily. */
  read(dir: string): Promise<R>;
}

/** Any artifact type, whatever it reads and takes. */
// deno-lint-ignore no-explicit-any
export type AnyArtifact = ArtifactType<any, any>;

/** An input that may be absent, or that is not taken from the nearest earlier output. */
export interface InputPort<A extends AnyArtifact = AnyArtifact, O extends boolean = boolean> {
  /** What the port takes. */
  readonly type: A;
  /** True: the stage also runs where no earlier stage gives this kind. */
  readonly optional: O;
  /** "nearest" (default): the latest earlier output of the kind; "first": the earliest. */
  readonly pick: "nearest" | "first";
}

/** A stage's inputs by port name. */
export type Inputs = Record<string, AnyArtifact | InputPort>;

/** A stage's outputs by port name. */
export type Outputs = Record<string, AnyArtifact>;

/** Declares an optional input: `ctx.inputs.x` is undefined where nothing gives it. */
export function optional<A extends AnyArtifact>(
  type: A,
  options: { pick?: "nearest" | "first" } = {},
): InputPort<A, true> {
  return { type, optional: true, pick: options.pick ?? "nearest" };
}

/** Declares a required input that takes the first output of its kind, not the nearest. */
export function first<A extends AnyArtifact>(type: A): InputPort<A, false> {
  return { type, optional: false, pick: "first" };
}

/** A stored artifact that a stage reads when, and if, it needs it. */
export interface ArtifactHandle<R> {
  /** "stage-id.port" of the producer. */
  readonly ref: string;
  /** Content digest (sha256, hex). */
  readonly digest: string;
  /** The stored folder. Read only: it is shared by every run that made the same. */
  readonly dir: string;
  /** Reads the artifact; large data comes lazily. */
  read(): Promise<R>;
}

/** What reading an artifact of type `A` gives. */
export type ReadOf<A> = A extends ArtifactType<infer R, infer _W> ? R : never;
/** What a stage returns for an artifact of type `A`. */
export type WriteOf<A> = A extends ArtifactType<infer _R, infer W> ? W : never;

/** The handles a stage finds in `ctx.inputs`. */
export type InputHandles<I extends Inputs> = {
  readonly [K in keyof I]: I[K] extends InputPort<infer A, infer O>
    ? ArtifactHandle<ReadOf<A>> | (true extends O ? undefined : never)
    : ArtifactHandle<ReadOf<I[K]>>;
};

/** What `run` must return: every output, none forgotten. */
export type OutputValues<O extends Outputs> = { [K in keyof O]: WriteOf<O[K]> };

/** How far a stage is. */
export interface Progress {
  /** What is counted, e.g. "rows", "steps". */
  unit: string;
  /** How many are done. */
  done: number;
  /** Absent where it can't be known. */
  total?: number;
  /** One short line beside the bar, e.g. "loss 1.234". */
  note?: string;
}

/** Facts of the run a stage takes part in; for reports and provenance. */
export interface RunInfo {
  /** The run's folder name. */
  readonly id: string;
  /** The pipeline's name. */
  readonly pipelineName: string;
  /** The resolved pipeline, as in the run's pipeline.json. */
  readonly pipeline: JsonObject;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** What earlier stages passed to `record`, by stage id. */
  readonly records: Readonly<Record<string, JsonObject>>;
}

/** What a running stage is given. */
export interface StageContext<I extends Inputs, C> {
  /** The stage's id in the pipeline. */
  readonly id: string;
  /** Handles of what earlier stages gave, by port. */
  readonly inputs: InputHandles<I>;
  /** The resolved configuration, frozen. */
  readonly config: C;
  /** Of the run's seed and the stage's id. */
  readonly seed: string;
  /** "auto", or what the pipeline or --device asks for; the runner gives it no meaning. */
  readonly device: string;
  /**
   * Whether the user asked where the time goes (`run --profile`). A stage that can tell puts it
   * into its record as `profile`; it must give the same result. No part of the cache key.
   */
  readonly profile: boolean;
  /** The run it takes part in. */
  readonly run: RunInfo;
  /** Aborts on Ctrl-C: save, then throw `signal.reason`. */
  readonly signal: AbortSignal;
  /** A folder that survives a crash and is found again by a run with the same cache key. */
  readonly scratch: string;
  /** An absolute path from a configured one: relative paths start at the pipeline file's folder. */
  resolvePath(path: string): string;
  /** Says how far the stage is; cheap, call it as often as you like. */
  report(progress: Progress): void;
  /** Appends a metrics record to the run's events. */
  metrics(values: JsonObject): void;
  /** Merges facts into this stage's record in the manifest (counts, statistics, device). */
  record(facts: JsonObject): void;
  /** Says something to people, on the terminal and in the run's events. */
  log(message: string, level?: "info" | "warn"): void;
}

/** The part of Standard Schema v1 (standardschema.dev) the runner relies on; zod schemas fit. */
export interface ConfigSchema<C = unknown, In = unknown> {
  /** What the standard asks for; the name cannot clash with a vendor's own. */
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<C> | Promise<SchemaResult<C>>;
    readonly types?: { readonly input: In; readonly output: C } | undefined;
    /** Standard JSON Schema, where the vendor offers it: feeds `schema` and did-you-mean. */
    readonly jsonSchema?: {
      readonly input: (options: { target: "draft-2020-12" }) => Record<string, unknown>;
    };
  };
}

/** What a schema's validation gives. */
export type SchemaResult<C> =
  | { readonly value: C; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One problem of a configuration. */
export interface SchemaIssue {
  /** What is wrong, in the vendor's words. */
  readonly message: string;
  /** Keys down to the option it is about. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Content that lies elsewhere and is known by a digest, e.g. a repository at a commit. */
export interface PinnedSource {
  /** What it is, as a plan names it, e.g. "hf://owner/name@main". */
  readonly name: string;
  /** Changes with the content: a commit, a checksum. Absent: only `prepare` can find it out. */
  readonly digest?: string | undefined;
}

/** What `prepare` is given. */
export interface PrepareContext {
  /** An absolute path from a configured one. */
  resolvePath(path: string): string;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** True where the stage was asked for by --force: what was found out before is not to be trusted. */
  readonly forced: boolean;
  /** Says something to people, on the terminal and in the run's events. */
  log(message: string, level?: "info" | "warn"): void;
}

/**
 * A stage: a plain, explicitly typed object. `C` is its configuration as `run` gets it, `In` as a
 * pipeline gives it, `N` its name; a stage that spells out `In` and `N` has its options and
 * references checked by the compiler in typed pipelines.
 */
export interface Stage<
  I extends Inputs = Inputs,
  O extends Outputs = Outputs,
  C = unknown,
  In = unknown,
  N extends string = string,
> {
  /** The API_VERSION it was written for. */
  readonly apiVersion: number;
  /** What pipeline files call it by. */
  readonly name: N;
  /** Raised when the same inputs and configuration would give another result. */
  readonly version: string;
  /** One sentence, for `ls` and error messages. */
  readonly summary: string;
  /** What it takes, by port. */
  readonly inputs: I;
  /** What it gives, by port. */
  readonly outputs: O;
  /** The schema of its options. */
  readonly config: ConfigSchema<C, In>;
  /** "content" (default): reuse outputs of an equal cache key; "never": run every time. */
  readonly cache?: "content" | "never";
  /** What `validate` checks before anything runs. */
  readonly needs?: { readonly gpu?: boolean; readonly net?: boolean };
  /**
   * Options that cannot change the result (logging, where a copy goes), left out of the cache key.
   */
  readonly volatile?: readonly string[];
  /**
   * What outside the pipeline the result depends on: files (absolute paths; folders count whole),
   * whose content is part of the cache key, and pinned content, whose digest is. A missing file
   * should throw the stage's own error. `validate` and `plan` ask too, so it downloads nothing.
   */
  sources?(
    config: C,
    resolvePath: (path: string) => string,
  ): Promise<readonly (string | PinnedSource)[]>;
  /**
   * Finds out digests that `sources` does not know, e.g. the commit of a branch; it may ask the
   * network. A run calls it before it makes the cache key; `validate` and `plan` never do.
   */
  prepare?(config: C, context: PrepareContext): Promise<void>;
  /**
   * Says what `plan` prints of a run to come, and facts about the outputs for the forecasts of
   * later stages. It is quick, writes nothing, and leaves out what is not known yet.
   */
  forecast?(ctx: ForecastContext<C>): Promise<Forecast>;
  /** Does the work and returns every output. */
  run(ctx: StageContext<I, C>): Promise<OutputValues<O>>;
}

/**
 * Gives a stage its exact type, inferred from its ports and its schema, so that `run` is checked
 * and typed pipelines know its options.
 *
 * @example
 * ```ts ignore
 * export default defineStage({
 *   apiVersion: 1,
 *   name: "shuffle",
 *   version: "1",
 *   summary: "Shuffles the training pairs.",
 *   inputs: { pairs: preferencePairs },
 *   outputs: { pairs: preferencePairs },
 *   config: z.strictObject({}),
 *   run: async (ctx) => ({ pairs: await shuffled(ctx) }),
 * });
 * ```
 */
export function defineStage<I extends Inputs, O extends Outputs, C, In, const N extends string>(
  stage: Stage<I, O, C, In, N>,
): Stage<I, O, C, In, N> {
  return stage;
}

/** A stage whose ports and options the compiler does not know. */
// deno-lint-ignore no-explicit-any
export type AnyStage = Stage<any, any, any>;

/** The configuration a stage accepts (before defaults), where its schema tells. */
export type ConfigInput<S> = S extends
  { config: { "~standard": { types?: { input: infer In } | undefined } } } ? In : unknown;

/** Settings of one stage in a pipeline file. */
export interface StageEntry {
  /** A built-in stage's name, or a path, npm: or jsr: specifier, `#export` after it if not the default. */
  uses: string | AnyStage;
  /** Default: the stage's name. */
  id?: string;
  /** Input port -> "stage-id.port" (or "stage-id" where it has one output of the kind). */
  inputs?: Record<string, string>;
  /** The stage's options. */
  with?: Record<string, Json>;
}

/** A pipeline as its file says it. */
export interface PipelineSpec {
  /** Part of the run folders' names: letters, digits, "-" and "_". */
  name: string;
  /** Default 42. */
  seed?: number;
  /** auto | webgpu | wasm | cpu; default auto. */
  device?: string;
  /** Where runs are kept; default "runs" beside the working directory. */
  runsDir?: string;
  /** The steps; inputs take the nearest earlier output of their kind. */
  stages: StageEntry[];
}
