/** Training LoRA branches through the loop: what changes, what is kept, what repeats. */

import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { DecoderModel } from "../../src/models/decoder_model.ts";
import { buildModel, keptFormat } from "../../src/models/folder/load.ts";
import { LoraAdapters, newDeltas } from "../../src/models/lora/lora.ts";
import {
  loraModules,
  type LoraOptions,
  resolveLora,
  targetedModules,
} from "../../src/models/lora/settings.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { architectureOf } from "../../src/models/architectures/registry.ts";
import type { Quantization } from "../../src/models/weights.ts";
import { type PackedMatrix, packMatrix } from "../../src/tensor/packed_matrix.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { windowGradients } from "../../src/train/gradients.ts";
import { resolveObjective } from "../../src/train/objective.ts";
import { AdamW } from "../../src/train/optimizer.ts";
import { planWindow } from "../../src/train/window_plan.ts";
import { openWeightFile } from "../../src/weights/safetensors.ts";
import { inScratch } from "../scratch.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { tinyLlama } from "./tiny_llama.ts";
import { options, steady, tinyPairs, trainTiny } from "./tiny_model.ts";
import { readGradients } from "./windows.ts";

const EVERYTHING: LoraOptions = {
  r: 4,
  alpha: 16,
  dropout: 0.2,
  targetModules: ["q_proj", "v_proj", "down_proj", "embed_tokens", "lm_head"],
};

/** The tiny Llama with branches beside its weights, which are packed where asked. */
async function adapted(
  given: LoraOptions = EVERYTHING,
  quantization: Quantization = "none",
  hiddenSize = 16,
): Promise<CausalLM> {
  const whole = tinyLlama("base", { hiddenSize, intermediateSize: 64 });
  const { config } = whole;
  const architecture = architectureOf("llama", "config.json");
  const modules = loraModules({ config, architecture });
  const settings = resolveLora(given, "llama");
  const chosen = targetedModules(modules, settings.targetModules);
  const lora = new LoraAdapters(settings, newDeltas(chosen, settings, "seed"));
  const floats = new Map<string, tf.Variable>();
  const packed = new Map<string, PackedMatrix>();
  for (const [name, variable] of whole.parameters) {
    const format = keptFormat(name, variable.shape, quantization, modules);
    if (format === undefined) {
      floats.set(name, variable);
    } else {
      const shape = variable.shape as [number, number];
      packed.set(name, packMatrix(await readFloats(variable), shape, format));
      variable.dispose();
    }
  }
  return buildModel(config, architecture, { floats, packed }, lora);
}

/** The model, out of reach of a training that frees it; `DecoderModel.prototype.dispose` frees it. */
function undisposed(model: CausalLM): CausalLM {
  return Object.assign(model, { dispose: () => {} });
}

async function valuesOf(variables: ReadonlyMap<string, tf.Variable>) {
  const values = new Map<string, Float32Array>();
  for (const [name, variable] of variables) values.set(name, (await readFloats(variable)).slice());
  return values;
}

forEachBackend(
  "lora: the loss falls, branches alone change, moments are theirs",
  async (device) => {
    await inScratch(async (dir) => {
      const model = await adapted();
      const [frozen, branches] = [
        await valuesOf(model.parameters),
        await valuesOf(model.trainable),
      ];
      const given = { maxSteps: 16, learningRate: 0.02, saveSteps: 16 };
      const { result, rows, error } = await trainTiny(device, dir, given, {
        model: undisposed(model),
      });
      assertEquals(error, undefined);
      const held = rows.filter((row) => "eval_loss" in row).map((row) => row.eval_loss as number);
      assertLess(held.at(-1)!, 0.9 * held[0]!);
      for (const [name, values] of await valuesOf(model.parameters)) {
        assertEquals(values, frozen.get(name), `${name} is frozen`);
      }
      for (const [name, values] of await valuesOf(model.trainable)) {
        assertNotEquals(values, branches.get(name), `${name} trains`);
      }
      const saved = await openWeightFile(
        `${dir}/checkpoint-00000016/optimizer/model.safetensors`,
      );
      const moments = [...model.trainable.keys()].flatMap((name) => [`m.${name}`, `v.${name}`]);
      assertEquals([...saved.tensors.keys()].sort(), moments.sort());
      assertEquals(result!.state.step, 16);
      DecoderModel.prototype.dispose.call(model);
    });
  },
);

Deno.test("lora: the optimizer holds two moments of what trains, and no more", async () => {
  const model = await adapted();
  const before = tf.memory().numBytes;
  const optimizer = new AdamW(model.trainable, options());
  const trained = [...model.trainable.values()].reduce((sum, { size }) => sum + size, 0);
  assertEquals(tf.memory().numBytes - before, 8 * trained);
  optimizer.dispose();
  model.dispose();
});

forEachBackend(
  "lora: stopped and resumed equals straight, bit for bit, with dropout",
  async (device) => {
    await inScratch(async (dir) => {
      const given = { evalSteps: 3, maxSteps: 6 };
      await Deno.mkdir(`${dir}/straight`);
      await Deno.mkdir(`${dir}/stopped`);
      const train = async (name: string, change: Parameters<typeof trainTiny>[3] = {}) => {
        const model = undisposed(await adapted());
        const outcome = await trainTiny(device, `${dir}/${name}`, given, { model, ...change });
        const branches = await valuesOf(model.trainable);
        DecoderModel.prototype.dispose.call(model);
        return { ...outcome, branches };
      };
      const straight = await train("straight");
      const stop = new AbortController();
      const stopped = await train("stopped", {
        signal: stop.signal,
        onRow: (row) => "loss" in row && row.step === 4 && stop.abort(new Error("stopped")),
      });
      assertEquals((stopped.error as Error).message, "stopped");
      const resumed = await train("stopped");
      assertEquals(resumed.result?.resumedFrom, 4);
      assertEquals(steady(resumed.rows), steady(straight.rows));
      assertEquals(resumed.branches, straight.branches);
    });
  },
);

const objective = resolveObjective({ preset: "trl", beta: 0.5 });

async function gradients(model: CausalLM, recomputedLayers: number, step: number) {
  const plan = planWindow(tinyPairs(4, "pairs"), objective.nllScope, {
    pairs: 2,
    tokens: Infinity,
  });
  const training = { seed: "seed", step };
  return await readGradients(
    await windowGradients(model, plan, { objective, recomputedLayers, training }),
  );
}

forEachBackend(
  "lora: recomputed layers change no bit, with dropout; another step drops others",
  async () => {
    const model = await adapted();
    // B begins at zero: without it A has no gradient to compare.
    for (const [name, variable] of model.trainable) {
      if (/lora_(B|embedding_A)/.test(name)) {
        tf.tidy(() => variable.assign(tf.fill(variable.shape, 0.1)));
      }
    }
    const before = tf.memory().numTensors;
    const expected = await gradients(model, 0, 3);
    assertEquals([...expected.keys()].sort(), [...model.trainable.keys()].sort());
    for (const values of expected.values()) assert(values.some((value) => value !== 0));
    assertEquals(await gradients(model, 99, 3), expected);
    assertNotEquals(await gradients(model, 0, 4), expected);
    assertEquals(tf.memory().numTensors, before, "tensors left behind");
    model.dispose();
  },
);

forEachBackend("lora: evaluation drops nothing", async () => {
  const [dropping, plain] = [await adapted(), await adapted({ ...EVERYTHING, dropout: 0 })];
  const batch = { inputIds: Int32Array.of(1, 5, 9, 4), batchSize: 1, length: 4 };
  for (const model of [dropping, plain]) {
    for (const variable of model.trainable.values()) {
      tf.tidy(() => variable.assign(tf.fill(variable.shape, 0.1)));
    }
  }
  const [a, b] = [dropping.hidden(batch), plain.hidden(batch)];
  assertEquals(await readFloats(a), await readFloats(b));
  assertEquals(dropping.head().lora!.dropout, undefined);
  tf.dispose([a, b]);
  dropping.dispose();
  plain.dispose();
});

forEachBackend("lora: trains beside packed weights", async (device) => {
  for (const quantization of ["f16", "int8", "nf4"] as const) {
    await inScratch(async (dir) => {
      const model = await adapted(
        { r: 4, alpha: 16, targetModules: "all-linear" },
        quantization,
        64,
      );
      assertEquals(model.packed!.get("model.layers.0.mlp.up_proj.weight")!.format, quantization);
      assertEquals(model.packed!.get("model.embed_tokens.weight")!.format, "f16");
      const given = { maxSteps: 8, learningRate: 0.02 };
      const { rows, error } = await trainTiny(device, dir, given, { model });
      assertEquals(error, undefined);
      const held = rows.filter((row) => "eval_loss" in row).map((row) => row.eval_loss as number);
      assertLess(held.at(-1)!, 0.95 * held[0]!);
    });
  }
});
