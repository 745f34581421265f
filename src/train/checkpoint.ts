/**
 * Checkpoints: everything a training needs to go on bit for bit. A folder each, put in place in
 * one rename, with the digests of its files; one that is not whole is never taken for whole.
 *
 *     checkpoint-00000012/   weights/, optimizer/ (tensor_folder.ts), state.json
 */

import { join } from "@std/path";
import { writeDirAtomic, writeFileAtomic } from "../base/atomic.ts";
import { OddsmithError } from "../base/error.ts";
import { sha256, sha256File } from "../base/hash.ts";
import { canonicalJson, type Json } from "../base/json.ts";
import type { CausalLM } from "../models/model.ts";
import { checkpointInvalid, checkpointUnwritable } from "./errors.ts";
import type { AdamW } from "./optimizer.ts";
import { initialState, type TrainState } from "./state.ts";
import { saveTensors, TENSOR_FILE, TensorFolder } from "./tensor_folder.ts";

const PREFIX = "checkpoint-";
const WEIGHTS = "weights";
const OPTIMIZER = "optimizer";
const LAYOUT = 2;

/** state.json. */
interface CheckpointHead {
  layout: number;
  state: TrainState;
  /** sha256 of the state's canonical JSON; absent in checkpoints of before it was kept. */
  stateDigest?: string;
  /** sha256 of the tensors, by folder. */
  digests: Record<string, string>;
}

/**
 * Saves a checkpoint of the state's step, if there is none, and removes all but the newest `keep`.
 *
 * @throws {OddsmithError} TrainError CHECKPOINT_WRITE where the disk refuses it; DeviceError where
 * the tensors cannot be read.
 */
export async function saveCheckpoint(
  dir: string,
  state: TrainState,
  model: CausalLM,
  optimizer: AdamW,
  keep: number,
): Promise<void> {
  const name = checkpointName(state.step);
  try {
    await writeDirAtomic(join(dir, name), async (path) => {
      await saveTensors(join(path, WEIGHTS), model.trainable);
      await saveTensors(join(path, OPTIMIZER), optimizer.state());
      const digests: Record<string, string> = {};
      for (const part of [WEIGHTS, OPTIMIZER]) digests[part] = await digestOf(path, part);
      const head: CheckpointHead = {
        layout: LAYOUT,
        state,
        stateDigest: stateDigest(state),
        digests,
      };
      await writeFileAtomic(join(path, "state.json"), JSON.stringify(head, null, 1) + "\n");
    });
  } catch (cause) {
    if (cause instanceof OddsmithError && cause.kind === "DeviceError") throw cause;
    throw checkpointUnwritable(state.step, dir, cause);
  }
  for (const old of (await checkpointNames(dir)).slice(keep)) {
    await Deno.remove(join(dir, old), { recursive: true });
  }
}

/**
 * Loads the newest whole checkpoint into the model and the optimizer. Those that are not whole are
 * removed, with a warning.
 *
 * @returns Its state, or undefined where there is none.
 */
export async function loadNewestCheckpoint(
  dir: string,
  model: CausalLM,
  optimizer: AdamW,
  log: (message: string, level: "warn") => void,
): Promise<TrainState | undefined> {
  await removeHalfWritten(dir);
  for (const name of await checkpointNames(dir)) {
    const path = join(dir, name);
    const whole = await openWhole(path, join(dir, "steps.jsonl"), model, optimizer)
      .catch((error) => error as Error);
    if (whole instanceof Error) {
      log(checkpointInvalid(name, whole.message).format(), "warn");
      await Deno.remove(path, { recursive: true });
      continue;
    }
    const { state, weights, moments } = whole;
    await weights.assignTo(model.trainable);
    // One moment takes another's place at a time: resuming holds no more than training.
    await optimizer.restore(state.step, moments.tensors());
    return state;
  }
  return undefined;
}

/** Opens a checkpoint whose files are whole and fit what is trained; changes nothing yet. */
async function openWhole(path: string, log: string, model: CausalLM, optimizer: AdamW) {
  const { state } = await readWhole(path, log);
  return {
    state,
    weights: await TensorFolder.open(join(path, WEIGHTS), model.trainable),
    moments: await TensorFolder.open(join(path, OPTIMIZER), optimizer.state()),
  };
}

/** Gives the newest checkpoint that can be read: its step and its folder. */
export async function newestCheckpoint(
  dir: string,
): Promise<{ step: number; path: string } | undefined> {
  const [state] = await checkpointStates(dir);
  return state && { step: state.step, path: join(dir, checkpointName(state.step)) };
}

/** Gives the states of the checkpoints that can be read, newest first. */
export async function checkpointStates(dir: string): Promise<TrainState[]> {
  const states: TrainState[] = [];
  for (const name of await checkpointNames(dir)) {
    const head = await readHead(join(dir, name)).catch(() => undefined);
    if (head) states.push(head.state);
  }
  return states;
}

function checkpointName(step: number): string {
  return `${PREFIX}${String(step).padStart(8, "0")}`;
}

async function checkpointNames(dir: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(dir)) {
    if (entry.name.startsWith(PREFIX)) names.push(entry.name);
  }
  return names.sort().reverse();
}

/** Removes what a killed process was writing; nobody else writes in the folder of a training. */
async function removeHalfWritten(dir: string): Promise<void> {
  for await (const entry of Deno.readDir(dir)) {
    if (entry.name.startsWith(".tmp-")) {
      await Deno.remove(join(dir, entry.name), { recursive: true });
    }
  }
}

async function readHead(path: string): Promise<CheckpointHead> {
  const head: CheckpointHead | null = JSON.parse(await Deno.readTextFile(join(path, "state.json")));
  if (head?.layout !== LAYOUT) throw new Error(`its state.json is not of layout ${LAYOUT}`);
  const isWhole = head.stateDigest === undefined
    ? isState(head.state)
    : head.stateDigest === stateDigest(head.state);
  if (!isWhole) throw new Error("its state was changed");
  return head;
}

/** Of what JSON keeps of a state: its NaN is null. */
function stateDigest(state: TrainState): string {
  return sha256(canonicalJson((state ?? null) as unknown as Json));
}

/** Has a state of before there were digests all that every state has? */
function isState(state: TrainState): boolean {
  const found = state as unknown as Record<string, unknown> | null;
  const { epoch, offset, rng } = state?.position ?? {};
  return Object.entries(initialState({ epoch: 0, offset: 0, rng: [0, 0, 0, 0] }))
    .every(([name, value]) => typeof value !== "number" || Number.isFinite(found?.[name])) &&
    rng?.length === 4 && [epoch, offset, ...rng].every(Number.isFinite);
}

async function digestOf(path: string, part: string): Promise<string> {
  return await sha256File(join(path, part, TENSOR_FILE));
}

async function readWhole(path: string, logPath: string): Promise<CheckpointHead> {
  const head = await readHead(path);
  for (const part of [WEIGHTS, OPTIMIZER]) {
    if (await digestOf(path, part) !== head.digests?.[part]) throw new Error(`${part} was changed`);
  }
  const logged = await Deno.stat(logPath).then((info) => info.size, () => 0);
  if (logged < head.state.logBytes) throw new Error("steps.jsonl lacks rows it had");
  return head;
}
