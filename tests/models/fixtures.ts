/** Model folders for tests, made on the spot. */

import { join } from "@std/path";
import type { Json } from "../../src/base/json.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { headLogits } from "../../src/ops/head/logits.ts";
import type { tf } from "../../src/tensor/tf.ts";
import { writeSafetensors } from "../../src/weights/write_safetensors.ts";
import { goldenValues } from "../golden/weights.ts";

/** One of models.json's cases. */
export interface GoldenCase {
  config: Record<string, Json>;
  shapes: Record<string, number[]>;
  ids: number[];
  lastLogits: number[];
  loss: number;
  /** By name: the gradient's norm, and its product with the formula named "probe". */
  gradients: Record<string, [number, number]>;
  greedy: number[];
}

/** models.json's cases, by name. */
export async function goldenCases(): Promise<Map<string, GoldenCase>> {
  const file = new URL("../golden/models.json", import.meta.url);
  return new Map(Object.entries(JSON.parse(await Deno.readTextFile(file)).cases));
}

/** Runs `fn` with a folder that holds a case's config.json and weights, then removes it. */
export async function withGoldenModel(
  { config, shapes }: Pick<GoldenCase, "config" | "shapes">,
  fn: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(dir, "config.json"), JSON.stringify(config));
    const tensors = new Map(
      Object.entries(shapes).map(([name, shape]) => [
        name,
        { shape, values: () => goldenValues(name, shape) },
      ]),
    );
    await writeSafetensors(join(dir, "model.safetensors"), tensors);
    await fn(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Logits of hidden rows [N, C]: [N, V]. */
export function allLogits(model: CausalLM, hidden: tf.Tensor2D): tf.Tensor2D {
  return headLogits(hidden, model.head());
}

/** Where the trained story model lies beside the repository; undefined, with a note, if absent. */
export const storiesDir: string | undefined = await findStories();

async function findStories(): Promise<string | undefined> {
  const dir = "../shared/data/models/stories260K/hf";
  if (await Deno.stat(dir).then((info) => info.isDirectory, () => false)) return dir;
  console.log(`stories260K tests are skipped: there is no ${dir}`);
  return undefined;
}
