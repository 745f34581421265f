/**
 * Runs one stage by itself, in temporary folders, with inputs given as values: what tests of a
 * stage need. Goes through the artifact types as the runner does, and through nothing else of it.
 */

import { isAbsolute, join, resolve } from "@std/path";
import type { JsonObject } from "../base/json.ts";
import { type ArtifactInfo, checkArtifactFiles, sealArtifact } from "./store/artifact_files.ts";
import type {
  AnyStage,
  ArtifactHandle,
  ArtifactType,
  ConfigInput,
  InputHandles,
  InputPort,
  Inputs,
  OutputValues,
  Progress,
  StageContext,
} from "./contract.ts";
import type { DatasetDraft, Split } from "./dataset.ts";
import { portDemand } from "./load/stage_contract.ts";

/** The artifact type of a port, plain or declared with `optional` or `first`. */
export type PortType<P> = P extends InputPort<infer A> ? A : P;
/** What a stage returns for an output of a type. */
export type ValueOf<A> = A extends ArtifactType<infer _R, infer _W>
  ? OutputValues<{ value: A }>["value"]
  : never;

/** Values for a stage's inputs: what a producing stage would return; optional ones may be left out. */
export type InputValues<I extends Inputs> =
  & {
    readonly [
      P in keyof I as I[P] extends { readonly optional: true } ? never : P
    ]: ValueOf<PortType<I[P]>>;
  }
  & {
    readonly [
      P in keyof I as I[P] extends { readonly optional: true } ? P : never
    ]?: ValueOf<PortType<I[P]>>;
  };

/** How a trial runs a stage. */
export interface TrialOptions<S extends AnyStage> {
  /** As a pipeline file would give them; default: none, so the stage's defaults. */
  readonly config?: ConfigInput<S>;
  /** Values by input port. */
  readonly inputs?: InputValues<S["inputs"]>;
  /** Default "trial". */
  readonly seed?: string;
  /** Default "auto". */
  readonly device?: string;
  /** As `run --profile` sets it. Default false. */
  readonly profile?: boolean;
  /** Where relative paths in options start; default: the working directory. */
  readonly baseDir?: string;
  /** Default: one that never aborts. */
  readonly signal?: AbortSignal;
}

/** Handles of a stage's outputs, by port. */
export type OutputHandles<S extends AnyStage> = InputHandles<S["outputs"]>;

/** What a stage did in a trial; disposing it removes its folders. */
export interface StageTrial<S extends AnyStage> extends AsyncDisposable {
  /** The outputs as later stages would read them. */
  readonly outputs: OutputHandles<S>;
  /** Files and digest of each output, by port. */
  readonly artifacts: Readonly<Record<string, ArtifactInfo>>;
  /** Facts the stage passed to `record`, merged. */
  readonly record: JsonObject;
  /** What it passed to `metrics`, in order. */
  readonly metrics: readonly JsonObject[];
  /** What it passed to `report`, in order. */
  readonly progress: readonly Progress[];
  /** What it passed to `log`, in order. */
  readonly logs: readonly { readonly level: "info" | "warn"; readonly message: string }[];
}

/**
 * Makes a data set draft of rows at hand, for a trial's inputs.
 *
 * @example
 * ```ts
 * import { datasetOf } from "./stage_trial.ts";
 * const draft = datasetOf({ train: [{ id: "a" }, { id: "b" }], eval: [{ id: "c" }] });
 * const splits = (await Array.fromAsync(draft.rows)).map(({ split }) => split);
 * console.assert(splits.join() === "train,train,eval");
 * ```
 */
export function datasetOf<Row>(
  splits: { readonly train?: readonly Row[]; readonly eval?: readonly Row[] },
  stats: JsonObject = {},
): DatasetDraft<Row> {
  return {
    rows: {
      async *[Symbol.asyncIterator]() {
        for (const split of ["train", "eval"] as Split[]) {
          for (const row of splits[split] ?? []) yield { split, row };
        }
      },
    },
    stats: () => stats,
  };
}

/**
 * Runs a stage once on values and returns what it made.
 *
 * @example
 * ```ts ignore
 * await using trial = await tryStage(dedupe, {
 *   inputs: { pairs: datasetOf({ train: [pair] }) },
 * });
 * const pairs = await trial.outputs.pairs.read();
 * ```
 *
 * @throws What the stage, its schema or an artifact type throws; a TypeError for an invalid
 *   configuration or a missing input.
 */
export async function tryStage<S extends AnyStage>(
  stage: S,
  options: TrialOptions<S> = {},
): Promise<StageTrial<S>> {
  const root = await Deno.makeTempDir({ prefix: `trial-${stage.name.replaceAll("/", "-")}-` });
  const dispose = () => Deno.remove(root, { recursive: true });
  try {
    const config = await resolveConfig(stage, options.config ?? {});
    const inputs = await writeInputs(stage, options.inputs ?? {}, join(root, "inputs"));
    const notes = newNotes();
    const scratch = join(root, "scratch");
    await Deno.mkdir(scratch);
    const ctx = trialContext(stage, options, { config, inputs: inputs.handles, notes, scratch });
    const { resolvePath, signal, log } = ctx;
    await stage.prepare?.(config, { resolvePath, signal, log, forced: false });
    const values: Record<string, unknown> = await stage.run(ctx);
    const { handles, artifacts } = await writeOutputs(stage, values, join(root, "outputs"));
    await checkInputs(stage, inputs);
    return {
      outputs: handles as OutputHandles<S>,
      artifacts,
      ...notes,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/**
 * Validates options against a stage's schema and returns the resolved configuration, deeply frozen
 * as `run` gets it.
 */
export async function resolveConfig(stage: AnyStage, options: unknown): Promise<unknown> {
  const result = await stage.config["~standard"].validate(options);
  if (result.issues) {
    const issues = result.issues.map((issue) => issue.message).join("; ");
    throw new TypeError(`Cannot configure stage "${stage.name}": ${issues}`);
  }
  return freezeDeep(result.value);
}

interface TrialNotes {
  readonly record: JsonObject;
  readonly metrics: JsonObject[];
  readonly progress: Progress[];
  readonly logs: { level: "info" | "warn"; message: string }[];
}

function newNotes(): TrialNotes {
  return { record: {}, metrics: [], progress: [], logs: [] };
}

interface TrialParts {
  readonly config: unknown;
  readonly inputs: Readonly<Record<string, ArtifactHandle<unknown>>>;
  readonly notes: TrialNotes;
  readonly scratch: string;
}

// deno-lint-ignore no-explicit-any
type AnyContext = StageContext<any, any>;

function trialContext(
  stage: AnyStage,
  options: TrialOptions<AnyStage>,
  { config, inputs, notes, scratch }: TrialParts,
): AnyContext {
  const baseDir = resolve(options.baseDir ?? ".");
  return {
    id: stage.name,
    inputs,
    config,
    seed: options.seed ?? "trial",
    device: options.device ?? "auto",
    profile: options.profile ?? false,
    run: {
      id: "trial",
      pipelineName: "trial",
      pipeline: {},
      startedAt: "2000-01-01T00:00:00.000Z",
      records: {},
    },
    signal: options.signal ?? new AbortController().signal,
    scratch,
    resolvePath: (path) => isAbsolute(path) ? path : join(baseDir, path),
    report: (progress) => void notes.progress.push(structuredClone(progress)),
    metrics: (values) => void notes.metrics.push(structuredClone(values)),
    record: (facts) => void Object.assign(notes.record, structuredClone(facts)),
    log: (message, level = "info") => void notes.logs.push({ level, message }),
  };
}

/** Artifacts on disk, by port. */
interface StoredPorts {
  readonly handles: Record<string, ArtifactHandle<unknown>>;
  readonly artifacts: Record<string, ArtifactInfo>;
}

async function writeInputs(
  stage: AnyStage,
  values: Readonly<Record<string, unknown>>,
  dir: string,
): Promise<StoredPorts> {
  const inputs: StoredPorts = { handles: {}, artifacts: {} };
  const ports: Inputs = stage.inputs;
  for (const [port, declared] of Object.entries(ports)) {
    const { type, optional } = portDemand(declared);
    const value = values[port];
    if (value === undefined) {
      if (optional) continue;
      throw new TypeError(`Cannot try stage "${stage.name}": its input "${port}" has no value`);
    }
    await storePort(inputs, type, port, value, `trial.${port}`, join(dir, port));
  }
  return inputs;
}

/** The store's files are shared by every run, so a stage must not touch them. */
async function checkInputs(stage: AnyStage, inputs: StoredPorts): Promise<void> {
  for (const [port, info] of Object.entries(inputs.artifacts)) {
    const found = await checkArtifactFiles(inputs.handles[port]!.dir, info, true);
    if (found.state === "damaged") {
      throw new TypeError(`Cannot try stage "${stage.name}": it changed its input "${port}"`);
    }
  }
}

async function writeOutputs(
  stage: AnyStage,
  values: Readonly<Record<string, unknown>>,
  dir: string,
): Promise<StoredPorts> {
  const outputs: StoredPorts = { handles: {}, artifacts: {} };
  const types: Record<string, ArtifactType<unknown, unknown>> = stage.outputs;
  const extra = Object.keys(values ?? {}).find((port) => !Object.hasOwn(types, port));
  if (extra !== undefined) {
    throw new TypeError(`Cannot try stage "${stage.name}": run returned an undeclared "${extra}"`);
  }
  for (const [port, type] of Object.entries(types)) {
    const value = values?.[port];
    if (value === undefined) {
      throw new TypeError(`Cannot try stage "${stage.name}": run returned no "${port}"`);
    }
    await storePort(outputs, type, port, value, `${stage.name}.${port}`, join(dir, port));
  }
  return outputs;
}

/** Writes a value into a new folder and seals it, as the store does. */
export async function writeArtifact(
  type: ArtifactType<unknown, unknown>,
  value: unknown,
  dir: string,
): Promise<ArtifactInfo> {
  await Deno.mkdir(dir, { recursive: true });
  await type.write(value, dir);
  return await sealArtifact(dir, type);
}

async function storePort(
  ports: StoredPorts,
  type: ArtifactType<unknown, unknown>,
  port: string,
  value: unknown,
  ref: string,
  dir: string,
): Promise<void> {
  const info = await writeArtifact(type, value, dir);
  ports.artifacts[port] = info;
  ports.handles[port] = { ref, digest: info.digest, dir, read: () => type.read(dir) };
}

function freezeDeep(value: unknown): unknown {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) freezeDeep(member);
  }
  return value;
}
