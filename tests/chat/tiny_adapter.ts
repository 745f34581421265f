/** A PEFT adapter of a tiny model, made from a seed on the spot, that changes what the model says. */

import { join } from "@std/path";
import { Rng } from "../../src/base/rng.ts";
import { checkModelFolder } from "../../src/models/folder/load.ts";
import { newDeltas } from "../../src/models/lora/lora.ts";
import { writeAdapter } from "../../src/models/lora/files.ts";
import { ADAPTER_CONFIG } from "../../src/models/lora/folder.ts";
import { loraModules, resolveLora, targetedModules } from "../../src/models/lora/settings.ts";

/**
 * Writes one of a base into a new folder.
 *
 * @param fields Of adapter_config.json, over what it has.
 */
export async function writeTinyAdapter(
  dir: string,
  base: string,
  fields: Readonly<Record<string, unknown>> = {},
  targetModules: readonly string[] = ["q_proj", "down_proj"],
): Promise<void> {
  const model = await checkModelFolder(base);
  const settings = resolveLora({ r: 2, alpha: 16, targetModules }, model.config.modelType);
  const rng = Rng.fromSeed("tiny adapter");
  const deltas = newDeltas(
    targetedModules(loraModules(model), targetModules),
    settings,
    "tiny adapter",
  ).map((delta) => ({
    ...delta,
    loraA: delta.loraA.map(() => rng.normal()),
    loraB: delta.loraB.map(() => rng.normal()),
  }));
  await Deno.mkdir(dir);
  await writeAdapter(dir, { settings, deltas });
  const file = join(dir, ADAPTER_CONFIG);
  const config = JSON.parse(await Deno.readTextFile(file));
  await Deno.writeTextFile(file, JSON.stringify({ ...config, ...fields }));
}
