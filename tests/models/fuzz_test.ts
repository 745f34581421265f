/** Readers of models' configurations, indices and adapters against damaged files. */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { Json } from "../../src/base/json.ts";
import type { Rng } from "../../src/base/rng.ts";
import { checkpointShapes } from "../../src/models/folder/checkpoint_names.ts";
import type { ModelConfig } from "../../src/models/config.ts";
import { readGenerationDefaults } from "../../src/models/generation/generation_defaults.ts";
import { checkModelFolder, loadConfig } from "../../src/models/folder/load.ts";
import { readAdapter } from "../../src/models/lora/files.ts";
import { architectureOf } from "../../src/models/architectures/registry.ts";
import { openWeights, type Weights } from "../../src/weights/safetensors.ts";
import { checkWeights } from "../../src/weights/check.ts";
import { writeSafetensors } from "../../src/weights/write_safetensors.ts";
import golden from "../golden/architectures.json" with { type: "json" };
import { goldenValues } from "../golden/weights.ts";
import { fuzz, fuzzFolder, type Outcome, readOrRefuse } from "../fuzz/fuzz.ts";
import { mutate } from "../fuzz/mutations.ts";
import { mutateJson } from "../fuzz/text_mutations.ts";
import { loraGoldens, withAdapter } from "./lora_folders.ts";

const FOLDER = await fuzzFolder();
const KINDS = ["ModelError", "WeightsError"];

async function folderNamed(name: string): Promise<string> {
  const dir = join(FOLDER, name);
  await Deno.mkdir(dir);
  return dir;
}

const encode = (value: Json) => new TextEncoder().encode(JSON.stringify(value));
const product = (shape: readonly number[]) => shape.reduce((n, size) => n * size, 1);

/** Every number of a configuration, however deep. */
function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

function assertSane(config: ModelConfig): void {
  assert(numbersIn(config).every(Number.isFinite), JSON.stringify(config));
  const shapes = checkpointShapes(
    architectureOf(config.modelType, "config.json"),
    config,
    () => true,
  );
  for (const [name, shape] of shapes) assert(shape.every((size) => size >= 1), `${name}: ${shape}`);
}

const LLAMA = loraGoldens.bases["llama, tied"]!;

Deno.test("loadConfig: a damaged config.json is refused, or read as sizes of a model", async () => {
  const configs = [
    ...Object.values(golden.cases).map((one) => one.published as Json),
    LLAMA.config,
  ];
  const generation = { eos_token_id: [1, 2], do_sample: true, temperature: 0.7 };
  const dir = await folderNamed("config");
  await fuzz("config.json", async (rng): Promise<Outcome> => {
    const isOther = rng.int(8) === 0;
    const sound = configs[rng.int(configs.length)]!;
    const file = isOther ? encode(sound) : mutateJson(rng, sound);
    Deno.writeFileSync(join(dir, "config.json"), file);
    const other = isOther ? mutateJson(rng, generation) : encode(generation);
    Deno.writeFileSync(join(dir, "generation_config.json"), other);
    const config = await readOrRefuse(KINDS, () => loadConfig(dir));
    if (config === undefined) return "refused";
    assertSane(config);
    return "read";
  });
});

Deno.test("readGenerationDefaults: a damaged generation_config.json is refused, or samples", async () => {
  const sound = {
    do_sample: true,
    temperature: 0.7,
    top_k: 40,
    top_p: 0.9,
    min_p: 0.05,
    repetition_penalty: 1.1,
    max_new_tokens: 256,
  };
  const dir = await folderNamed("generation");
  await fuzz("generation_config.json", async (rng): Promise<Outcome> => {
    Deno.writeFileSync(join(dir, "generation_config.json"), mutateJson(rng, sound));
    const read = await readOrRefuse(KINDS, () => readGenerationDefaults(dir));
    if (read === undefined) return "refused";
    assert(Object.values(read).every((value) => Number.isFinite(value) && value >= 0));
    return "read";
  });
});

/** What a model's checkpoint holds; its values by name. */
async function readAll(weights: Weights): Promise<Record<string, Float32Array>> {
  const values: Record<string, Float32Array> = {};
  for (const name of [...weights.tensors.keys()].sort()) values[name] = await weights.read(name);
  return values;
}

Deno.test("openWeights: a damaged index is refused, or gives the tensors there are", async () => {
  const dir = await folderNamed("index");
  const names = ["a.weight", "b.weight", "c.weight"];
  const shapes = new Map(names.map((name) => [name, [2, 3]]));
  const weightMap: Record<string, string> = {};
  for (const [at, name] of names.entries()) {
    const file = `model-0000${at + 1}-of-00003.safetensors`;
    weightMap[name] = file;
    const values = () => goldenValues(name, [2, 3]);
    await writeSafetensors(join(dir, file), new Map([[name, { shape: [2, 3], values }]]));
  }
  const index = join(dir, "model.safetensors.index.json");
  const sound = { metadata: { total_size: 72 }, weight_map: weightMap };
  await Deno.writeFile(index, encode(sound));
  const expected = await readAll(await openWeights(dir));
  await fuzz("model.safetensors.index.json", async (rng): Promise<Outcome> => {
    Deno.writeFileSync(index, mutateJson(rng, sound));
    const found = await readOrRefuse(KINDS, async () => {
      const weights = await openWeights(dir);
      checkWeights(weights, shapes);
      return await readAll(weights);
    });
    if (found === undefined) return "refused";
    assertEquals(found, expected);
    return "read";
  });
});

Deno.test("readAdapter: a damaged adapter is refused, or its branches fit the base", async () => {
  const cases = ["q_proj and v_proj", "a regular expression, rank and alpha patterns"];
  for (const name of cases) {
    const one = loraGoldens.cases[name]!;
    await withAdapter(one, async ({ base, adapter }) => {
      const folder = await checkModelFolder(base);
      const dir = await folderNamed(`adapter ${cases.indexOf(name)}`);
      const weights = await Deno.readFile(join(adapter, "adapter_model.safetensors"));
      const [config, tensors] = [
        join(dir, "adapter_config.json"),
        join(dir, "adapter_model.safetensors"),
      ];
      Deno.writeFileSync(config, encode(one.config));
      Deno.writeFileSync(tensors, weights);
      const sound = await readAdapter(dir, folder);
      await fuzz(`PEFT adapter, ${name}`, async (rng): Promise<Outcome> => {
        const isConfig = rng.int(2) === 0;
        Deno.writeFileSync(config, isConfig ? mutateJson(rng, one.config) : encode(one.config));
        Deno.writeFileSync(tensors, isConfig ? weights : mutate(rng, weights));
        const read = await readOrRefuse(KINDS, () => readAdapter(dir, folder));
        if (read === undefined) return "refused";
        for (const [at, { module, r, scale, loraA, loraB }] of read.deltas.entries()) {
          const [rows, columns] = module.shape;
          assertEquals([loraA.length, loraB.length], [r * columns, rows * r]);
          assert(Number.isFinite(scale));
          // A configuration says nothing of the values.
          if (isConfig) {
            assertEquals([loraA, loraB], [sound.deltas[at]!.loraA, sound.deltas[at]!.loraB]);
          }
        }
        return "read";
      }, 1 / cases.length);
    });
  }
});

Deno.test("checkModelFolder: a damaged configuration is refused, or is of the weights there are", async () => {
  const dir = await folderNamed("model");
  const tensors = Object.entries(LLAMA.shapes).map(([name, shape]) =>
    [name, { shape, values: () => new Float32Array(product(shape)) }] as const
  );
  await writeSafetensors(join(dir, "model.safetensors"), new Map(tensors));
  await fuzz("a model folder", async (rng: Rng): Promise<Outcome> => {
    Deno.writeFileSync(join(dir, "config.json"), mutateJson(rng, LLAMA.config));
    const folder = await readOrRefuse(KINDS, () => checkModelFolder(dir));
    if (folder === undefined) return "refused";
    // Layers that the configuration leaves out are named, and `model` warns of them.
    const named = [...folder.shapes.keys(), ...folder.unexpected];
    assertEquals(named.sort(), Object.keys(LLAMA.shapes).sort());
    for (const [name, shape] of folder.shapes) assertEquals(shape, LLAMA.shapes[name]);
    return "read";
  });
});
