/**
 * Pipelines written in TypeScript: the same thing as a pipeline file, with wiring, options and
 * references checked by the compiler. At run time it only collects a `PipelineSpec`; the loader
 * checks that like any other.
 */

import type { Json } from "../base/json.ts";
import type {
  AnyStage,
  ArtifactType,
  ConfigInput,
  InputPort,
  PipelineSpec,
  StageEntry,
} from "./contract.ts";

/** Settings of a whole pipeline. */
export interface PipelineOptions {
  /** Of everything random; default 42. */
  readonly seed?: number;
  /** Default "auto". */
  readonly device?: "auto" | "webgpu" | "wasm" | "cpu";
  /** Where runs are kept, from the pipeline file's folder; default "runs" in the working directory. */
  readonly runsDir?: string;
}

/** One output of an earlier stage, as the compiler sees it. */
export interface OutputRef<
  Id extends string = string,
  Port extends string = string,
  Kind extends string = string,
> {
  /** The producing stage's id. */
  readonly id: Id;
  /** The output's port. */
  readonly port: Port;
  /** The artifact's kind. */
  readonly kind: Kind;
}

/** What the compiler shows where a stage does not fit; no value has this type. */
export interface PipelineMistake<Message extends string> {
  /** What is wrong, in words. */
  readonly "this stage does not fit": Message;
}

/** The kind of an artifact type or an input port; `string` where its type does not tell. */
export type KindOf<P> = P extends ArtifactType<infer _R, infer _W, infer K> ? K
  : P extends InputPort<infer A> ? KindOf<A>
  : string;

/** The outputs a stage adds under an id. */
export type OutputsOf<S extends AnyStage, Id extends string> = {
  [Port in keyof S["outputs"] & string]: OutputRef<Id, Port, KindOf<S["outputs"][Port]>>;
}[keyof S["outputs"] & string];

/** The references that fit an input of a kind: "id.port", or "id" alone. */
export type RefsOfKind<Available extends OutputRef, Kind extends string> = Available extends
  OutputRef<infer Id, infer Port, infer K>
  ? string extends K | Kind ? `${Id}.${Port}` | Id : K extends Kind ? `${Id}.${Port}` | Id : never
  : never;

/** Of the ports that `inputs` leaves out, a message for each that nothing earlier can fill. */
export type MissingInputs<S extends AnyStage, Available extends OutputRef, Explicit> = {
  [Port in Exclude<keyof S["inputs"] & string, Explicit>]: true extends
    (S["inputs"][Port] extends { readonly optional: infer O } ? O : false) ? never
    : string extends KindOf<S["inputs"][Port]> | Available["kind"] ? never
    : KindOf<S["inputs"][Port]> extends Available["kind"] ? never
    : `its input "${Port}" takes "${KindOf<S["inputs"][Port]>}", which no earlier stage gives`;
}[Exclude<keyof S["inputs"] & string, Explicit>];

/** `unknown` where a stage can follow the earlier ones, else what is wrong. */
export type StageFits<
  S extends AnyStage,
  Id extends string,
  Available extends OutputRef,
  Ids extends string,
  Explicit,
> = [string extends Id | Ids ? never : Extract<Id, Ids>] extends [never]
  ? [MissingInputs<S, Available, Explicit>] extends [never] ? unknown
  : PipelineMistake<MissingInputs<S, Available, Explicit>>
  : PipelineMistake<`an earlier stage has the id "${Id}": give this one another`>;

/** `unknown` where a stage can do without options, else what is wrong. */
export type NoOptionsNeeded<S extends AnyStage> = Record<never, never> extends ConfigInput<S>
  ? unknown
  : PipelineMistake<`it has required options: pass { with: ... }`>;

/** `with`, required where a stage has options without defaults. */
export type StageOptions<S extends AnyStage> = unknown extends ConfigInput<S>
  ? { readonly with?: Readonly<Record<string, Json>> }
  : Record<never, never> extends ConfigInput<S> ? { readonly with?: ConfigInput<S> }
  : { readonly with: ConfigInput<S> };

/** Settings of one stage: its id, explicit inputs by port, options. */
export type StageSettings<
  S extends AnyStage,
  Id extends string,
  Port extends PropertyKey,
  Available extends OutputRef,
> =
  & {
    /** Default: the stage's name. */
    readonly id?: Id;
    /** Port -> "stage-id.port"; ports left out take the nearest earlier output of their kind. */
    readonly inputs?: {
      readonly [P in Port]: P extends keyof S["inputs"]
        ? RefsOfKind<Available, KindOf<S["inputs"][P]>>
        : never;
    };
  }
  & StageOptions<S>;

/**
 * A pipeline being written, or finished; immutable. `Available` are the outputs so far, `Ids` the
 * ids taken.
 */
export class TypedPipeline<Available extends OutputRef = never, Ids extends string = never> {
  /** What a pipeline file would say. */
  readonly spec: PipelineSpec;

  /** Makes a pipeline of what is written so far; `definePipeline` starts one. */
  constructor(spec: PipelineSpec) {
    this.spec = spec;
  }

  /** Adds a stage with its defaults. */
  stage<S extends AnyStage>(
    stage: S & StageFits<S, S["name"], Available, Ids, never> & NoOptionsNeeded<S>,
  ): TypedPipeline<Available | OutputsOf<S, S["name"]>, Ids | S["name"]>;
  /** Adds a stage with an id, inputs or options. */
  stage<
    S extends AnyStage,
    const Id extends string = S["name"],
    const Port extends keyof S["inputs"] = never,
  >(
    stage: S & StageFits<S, Id, Available, Ids, Port>,
    settings: StageSettings<S, Id, Port, Available>,
  ): TypedPipeline<Available | OutputsOf<S, Id>, Ids | Id>;
  stage(
    stage: AnyStage,
    settings: { id?: string; inputs?: object; with?: unknown } = {},
  ): TypedPipeline<OutputRef, string> {
    const entry = { uses: stage, ...settings } as StageEntry;
    return new TypedPipeline({
      ...this.spec,
      stages: [...this.spec.stages, entry],
    });
  }
}

/**
 * Starts a typed pipeline.
 *
 * @example
 * ```ts ignore
 * import { definePipeline, runMain } from "../mod.ts";
 * import { ingest, model, orpo, template, tokenize } from "../stages/mod.ts";
 *
 * const pipeline = definePipeline("quickstart", { seed: 42 })
 *   .stage(model, { with: { from: "./models/base" } })
 *   .stage(ingest, { with: { source: "./data/pairs.jsonl" } })
 *   .stage(template)
 *   .stage(tokenize, { with: { maxLength: 512 } })
 *   .stage(orpo, { with: { beta: 0.25 } });
 *
 * export default pipeline;
 * if (import.meta.main) await runMain(import.meta, pipeline);
 * ```
 *
 * @param name Part of the run folders' names: letters, digits, "-" and "_".
 */
export function definePipeline(name: string, options: PipelineOptions = {}): TypedPipeline {
  return new TypedPipeline({ name, ...options, stages: [] });
}

/** Tells a typed pipeline from other values, whichever copy of this module made it. */
export function isTypedPipeline(value: unknown): value is { readonly spec: PipelineSpec } {
  return typeof value === "object" && value !== null && "spec" in value && "stage" in value &&
    typeof value.stage === "function";
}
