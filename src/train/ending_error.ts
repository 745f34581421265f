/**
 * What a training ends with that cannot go on. A device that failed explains whatever was thrown
 * since; nothing on it is saved then, and the checkpoints on disk are left as they are.
 */

import { OddsmithError } from "../base/error.ts";
import { newestCheckpoint } from "./checkpoint.ts";
import { beyondDevice, deviceFailed } from "./errors.ts";
import type { TrainRun } from "./train_run.ts";

/** What a training that cannot go on ends with; saves it first where it was told to stop. */
export async function endingError(
  run: TrainRun,
  error: unknown,
  save: () => Promise<void> | undefined,
): Promise<unknown> {
  if (run.signal.aborted && error === run.signal.reason) {
    try {
      await save();
      return error;
    } catch (failure) {
      return await asTrainError(run, failure);
    }
  }
  return await asTrainError(run, error);
}

async function asTrainError({ device, dir, options }: TrainRun, error: unknown): Promise<unknown> {
  const known = await device.explain(error);
  if (!(known instanceof OddsmithError) || known.kind !== "DeviceError") return known;
  if (known.code === "LIMIT_EXCEEDED") return beyondDevice(known);
  if (known.code !== "LOST" && known.code !== "OUT_OF_MEMORY") return known;
  return deviceFailed(known, await newestCheckpoint(dir), options.microBatchTokens);
}
