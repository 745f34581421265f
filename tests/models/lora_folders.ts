/** peft_lora.json's cases, and the folders of base and adapter that they are about. */

import { join } from "@std/path";
import type { Json } from "../../src/base/json.ts";
import { writeSafetensors } from "../../src/weights/write_safetensors.ts";
import { inScratch } from "../scratch.ts";
import { goldenValues } from "../golden/weights.ts";

/** A tensor's norm, its product with the formula named "probe", first and last entry. */
export type Summary = [number, number, number, number];

export interface LoraGolden {
  base: string;
  options: Record<string, Json>;
  /** adapter_config.json. */
  config: Record<string, Json>;
  /** Shapes of adapter_model.safetensors. */
  tensors: Record<string, number[]>;
  /** Those that save_embedding_layers added. */
  copies: string[];
  /** Of each sequence, the last three rows. */
  logits: number[][][];
  orpo: { loss: number; gradients: Record<string, Summary> };
  merged: Record<string, Summary>;
  untied: boolean;
}

export interface LoraGoldens {
  sequences: number[][];
  pair: { promptIds: number[]; chosenIds: number[]; rejectedIds: number[]; beta: number };
  bases: Record<string, { config: Record<string, Json>; shapes: Record<string, number[]> }>;
  cases: Record<string, LoraGolden>;
}

const file = new URL("../golden/peft_lora.json", import.meta.url);

export const loraGoldens: LoraGoldens = JSON.parse(await Deno.readTextFile(file));

/** Runs `fn` in a folder with a case's base and adapter, then removes it. */
export async function withAdapter(
  golden: LoraGolden,
  fn: (dirs: { base: string; adapter: string; scratch: string }) => Promise<void>,
  change: Record<string, Json> = {},
): Promise<void> {
  const { config, shapes } = loraGoldens.bases[golden.base]!;
  await inScratch(async (scratch) => {
    const [base, adapter] = [join(scratch, "base"), join(scratch, "adapter")];
    await writeFolder(base, "config.json", config, "model.safetensors", shapes, (name) => name);
    await writeFolder(
      adapter,
      "adapter_config.json",
      { ...golden.config, ...change },
      "adapter_model.safetensors",
      golden.tensors,
      (name) => golden.copies.includes(name) ? copiedFrom(name, shapes) : name,
    );
    await fn({ base, adapter, scratch });
  });
}

function copiedFrom(name: string, shapes: Record<string, number[]>): string {
  const weight = name.replace("base_model.model.", "").replace(".base_layer", "");
  return weight in shapes ? weight : "model.embed_tokens.weight";
}

async function writeFolder(
  dir: string,
  configName: string,
  config: Record<string, Json>,
  weightsName: string,
  shapes: Record<string, number[]>,
  seedOf: (name: string) => string,
): Promise<void> {
  await Deno.mkdir(dir);
  await Deno.writeTextFile(join(dir, configName), JSON.stringify(config));
  const tensors = Object.entries(shapes).map(([name, shape]) =>
    [name, { shape, values: () => goldenValues(seedOf(name), shape) }] as const
  );
  await writeSafetensors(join(dir, weightsName), new Map(tensors));
}
