/** LoRA's settings, beginnings and folders: what is chosen, and what is refused. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import type { Json } from "../../src/base/json.ts";
import { OddsmithError } from "../../src/base/error.ts";
import { checkModelFolder } from "../../src/models/folder/load.ts";
import { newDeltas } from "../../src/models/lora/lora.ts";
import { readAdapter } from "../../src/models/lora/files.ts";
import {
  branchNumbers,
  loraModules,
  resolveLora,
  targetedModules,
} from "../../src/models/lora/settings.ts";
import { Parameters } from "../../src/models/parameters.ts";
import { architectureOf } from "../../src/models/architectures/registry.ts";
import type { LoraAdapters } from "../../src/models/lora/lora.ts";
import { floatWeights } from "../../src/models/weights.ts";
import { writeSafetensors } from "../../src/weights/write_safetensors.ts";
import { TINY_CONFIG } from "../train/tiny_llama.ts";
import { loraGoldens, withAdapter } from "./lora_folders.ts";

const modules = loraModules({
  config: TINY_CONFIG,
  architecture: architectureOf("llama", "config.json"),
});
const named = (targets: string | string[]): string[] =>
  targetedModules(modules, targets).map(({ name }) => name);

Deno.test("targetedModules: ends of names, whole names, all-linear and patterns, as PEFT", () => {
  const [first, second] = [0, 1].map((layer) => `model.layers.${layer}.self_attn.q_proj`);
  assertEquals(named(["q_proj"]), [first, second]);
  assertEquals(named(["self_attn.q_proj"]), [first, second]);
  assertEquals(named([second!, "lm_head"]), [second, "lm_head"]);
  assertEquals(named("all-linear").length, 2 * 7);
  assertEquals(named(".*\\.1\\..*q_proj"), [second]);
  assertEquals(named(["embed_tokens"]), ["model.embed_tokens"]);
  for (
    const [targets, hint] of [
      [["q_prj"], 'did you mean "q_proj"?'],
      [["v_proj", "lmhead"], 'did you mean "lm_head"?'],
      ["q_proj", 'did you mean "q_proj"?'],
      [[], 'name modules, the ends of their names, or "all-linear"'],
    ] as const
  ) {
    const error = assertThrows(() => targetedModules(modules, targets), OddsmithError);
    assertEquals(error.code, "LORA_TARGETS");
    assertEquals(error.hint, hint);
    assert(error.message.includes("q_proj, k_proj, v_proj, o_proj, gate_proj"), error.message);
  }
  const error = assertThrows(() => targetedModules(modules, "(q"), OddsmithError);
  assertEquals(error.code, "LORA_PATTERN");
});

Deno.test("resolveLora: PEFT's defaults, and scales alpha / r or alpha / sqrt(r)", () => {
  const settings = resolveLora({}, "llama");
  assertEquals([settings.r, settings.alpha, settings.dropout], [8, 8, 0]);
  assertEquals(settings.targetModules, ["q_proj", "v_proj"]);
  assertEquals(branchNumbers({ ...settings, alpha: 32 }, "q_proj").scale, 4);
  assertEquals(branchNumbers({ ...settings, r: 16, useRslora: true }, "q_proj").scale, 2);
  const own = {
    ...settings,
    rankPattern: { q_proj: 4 },
    alphaPattern: { ".*1.self_attn.q_proj": 2 },
  };
  assertEquals(branchNumbers(own, "model.layers.1.self_attn.q_proj"), { r: 4, scale: 0.5 });
  assertEquals(branchNumbers(own, "model.layers.0.self_attn.q_proj"), { r: 4, scale: 2 });
  const error = assertThrows(() => resolveLora({}, "bigram"), OddsmithError);
  assertEquals(error.code, "LORA_TARGETS");
});

Deno.test("newDeltas: A within 1 / sqrt(in), B zero; embeddings the other way; by the seed", () => {
  const settings = resolveLora({ r: 6 }, "llama");
  const chosen = targetedModules(modules, ["down_proj", "embed_tokens"]);
  const deltas = newDeltas(chosen, settings, "seed");
  assertEquals(newDeltas(chosen, settings, "seed"), deltas);
  const [embedding, first, second] = deltas;
  assert(embedding!.loraA.every((value) => value === 0));
  const squares = embedding!.loraB.reduce((sum, value) => sum + value * value, 0);
  assert(Math.abs(squares / embedding!.loraB.length - 1) < 0.5);
  assert(first!.loraB.every((value) => value === 0));
  const largest = Math.max(...first!.loraA.map(Math.abs));
  const bound = 1 / Math.sqrt(TINY_CONFIG.intermediateSize);
  assert(largest <= bound && largest > 0.9 * bound);
  assert(first!.loraA[0] !== second!.loraA[0]);
  assert(newDeltas(chosen, settings, "other")[1]!.loraA[0] !== first!.loraA[0]);
});

Deno.test("Parameters: a branch that an architecture would not use is refused", () => {
  const lora = { branch: (name: string) => name === "odd" ? {} : undefined };
  const parameters = new Parameters(floatWeights(new Map()), "", lora as unknown as LoraAdapters);
  const error = assertThrows(() => parameters.matrix("odd.weight"), OddsmithError);
  assertEquals(error.code, "LORA_TARGETS");
});

const golden = loraGoldens.cases["embed_tokens and lm_head, untied"]!;

async function refusal(
  change: Record<string, Json>,
  spoil: (adapter: string) => Promise<void> = () => Promise.resolve(),
): Promise<OddsmithError> {
  let refused: OddsmithError | undefined;
  await withAdapter(golden, async ({ base, adapter }) => {
    await spoil(adapter);
    const folder = await checkModelFolder(base);
    refused = await assertRejects(() => readAdapter(adapter, folder), OddsmithError);
    assert(refused.format().includes(adapter), refused.format());
  }, change);
  return refused!;
}

Deno.test("readAdapter: a configuration that is wrong, or asks for more than LoRA, is refused", async () => {
  for (
    const [change, code, said] of [
      [{ r: 5 }, "ADAPTER_MISMATCH", "has shape [4, 36], expected [5, 36]"],
      [{ r: 0 }, "ADAPTER_CONFIG", '"r"'],
      [{ lora_dropout: 1.5 }, "ADAPTER_CONFIG", '"lora_dropout"'],
      [{ rank_pattern: { q_proj: "8" } }, "ADAPTER_CONFIG", '"rank_pattern.q_proj"'],
      [{ rank_pattern: { "(": 8 } }, "ADAPTER_CONFIG", '"rank_pattern.("'],
      [{ target_modules: "(" }, "ADAPTER_CONFIG", '"target_modules"'],
      [{ peft_type: "IA3" }, "ADAPTER_UNSUPPORTED", '"peft_type" is "IA3"'],
      [{ use_dora: true }, "ADAPTER_UNSUPPORTED", '"use_dora"'],
      [{ bias: "all" }, "ADAPTER_UNSUPPORTED", '"bias" is "all"'],
      [{ init_lora_weights: "pissa" }, "ADAPTER_UNSUPPORTED", '"init_lora_weights"'],
      [{ modules_to_save: ["lm_head"] }, "ADAPTER_UNSUPPORTED", '"modules_to_save"'],
    ] as const
  ) {
    const error = await refusal(change as Record<string, Json>);
    assertEquals(error.code, code, error.message);
    assert(error.message.includes(said), error.message);
  }
});

Deno.test("readAdapter: files that are missing or damaged are named", async () => {
  for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
    const error = await refusal({}, (adapter) => Deno.remove(join(adapter, name)));
    assertEquals(error.code, "ADAPTER_MISSING");
    assert(error.message.includes(name));
  }
  const broken = await refusal(
    {},
    (adapter) => Deno.writeTextFile(join(adapter, "adapter_config.json"), "{"),
  );
  assertEquals(broken.code, "BAD_JSON");
});

Deno.test("readAdapter: tensors of another base, or not whole, are named", async () => {
  const write = (tensors: Record<string, number[]>) => (adapter: string) =>
    writeSafetensors(
      join(adapter, "adapter_model.safetensors"),
      new Map(
        Object.entries(tensors).map(([name, shape]) => [
          name,
          { shape, values: () => new Float32Array(shape.reduce((a, b) => a * b)) },
        ]),
      ),
    );
  const name = "base_model.model.model.layers.0.self_attn.o_proj";
  const [a, b] = [`${name}.lora_A.weight`, `${name}.lora_B.weight`];
  const cases: [Record<string, number[]>, string][] = [
    [{ [a]: [4, 24] }, `it has no tensor "${b}"`],
    [{ [a]: [4, 18], [b]: [18, 4] }, "has shape [4, 18], expected [4, 24]"],
    [
      { [a.replace("layers.0", "layers.7")]: [4, 24] },
      '/base"; the nearest is "model.layers.0.self_attn.o_proj"',
    ],
    [{}, "it has no tensor"],
    [{ "base_model.model.lm_head.base_layer.weight": [36, 18] }, "differs from the base model's"],
  ];
  for (const [tensors, said] of cases) {
    const error = await refusal({}, write(tensors));
    assertEquals(error.code, "ADAPTER_MISMATCH");
    assert(error.message.includes(said), error.message);
  }
});
