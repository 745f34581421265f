/** Trains the tiny model in the folder given, to be killed by its parent test. */

import { openDevice } from "../../src/tensor/device.ts";
import { trainTiny } from "./tiny_model.ts";
import type { OrpoOptions } from "../../src/train/options.ts";

/** What parent and child train with. */
export const KILL_OPTIONS: Partial<OrpoOptions> = { maxSteps: 40, saveSteps: 2, evalSteps: 10 };

if (import.meta.main) {
  const { error } = await trainTiny(await openDevice("cpu"), Deno.args[0]!, KILL_OPTIONS);
  if (error) throw error;
}
