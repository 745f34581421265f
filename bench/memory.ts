/**
 * What a training of a model with SmolLM2-135M's sizes holds on the device at 2 x 1,024 tokens, as
 * measured and as predicted. Each case is a process of its own: a pool keeps what others needed.
 */

import { fromFileUrl } from "@std/path";
import { initConfig } from "../src/models/folder/init.ts";
import { parseConfig } from "../src/models/parse_config.ts";
import { unfilledModel } from "../src/models/unfilled.ts";
import { openLora } from "../src/models/lora/source.ts";
import type { LoraOptions } from "../src/models/lora/settings.ts";
import { type Quantization, weightCounts } from "../src/models/weights.ts";
import { openDevice } from "../src/tensor/device.ts";
import { openTarget } from "../src/tensor/rehearsal.ts";
import { tf } from "../src/tensor/tf.ts";
import { forecastMemory } from "../src/train/forecast.ts";
import { type Figure, runBench, settle } from "./harness.ts";
import { SMOLLM_SHAPE, smollmShaped } from "./smollm_shape.ts";
import { ADAMW, drawnPairs, objective, stepOf, StepWork } from "./step_work.ts";

const MIB = 2 ** 20;
const STEPS = 2;

/** A way to train, and the MiB it may hold. */
interface Case {
  readonly name: string;
  readonly must: (weightBytes: number) => number;
  readonly aim: (weightBytes: number) => number;
  /** Branches beside frozen weights; absent: all weights train. */
  readonly lora?: LoraOptions;
  readonly quantization?: Quantization;
}

const ADAPTER: LoraOptions = { r: 16, alpha: 32, targetModules: "all-linear" };
const LORA_MIB = { must: () => 1024, aim: () => 512 };

const CASES: Readonly<Record<string, Case>> = {
  full: {
    name: "full fine-tune",
    // Weights, gradients and two moments.
    must: (weightBytes) => 1.25 * 4 * weightBytes / MIB + 256,
    aim: (weightBytes) => 1.25 * 4 * weightBytes / MIB + 256,
  },
  lora: { name: "LoRA r 16, all linear layers", ...LORA_MIB, lora: ADAPTER },
  half: {
    name: "LoRA r 16, all linear layers, frozen weights as f16",
    ...LORA_MIB,
    lora: ADAPTER,
    quantization: "f16",
  },
  nf4: {
    name: "LoRA r 16, all linear layers, frozen weights as nf4",
    ...LORA_MIB,
    lora: ADAPTER,
    quantization: "nf4",
  },
};

/** What a case's process tells. */
interface Measured {
  weightBytes: number;
  peakBytes: number;
  predictedBytes: number;
}

async function* figures(): AsyncGenerator<Figure> {
  const asked = Deno.args.find((word) => word.startsWith("--case="))?.slice("--case=".length);
  if (asked !== undefined) {
    console.log(JSON.stringify(await measure(CASES[asked]!)));
    return;
  }
  for (const [key, { name, must, aim }] of Object.entries(CASES)) {
    const { weightBytes, peakBytes, predictedBytes } = await inProcess(key);
    yield {
      name: `peak device memory at 2 x 1,024 tokens of a 134.5 M parameter Llama`,
      contender: name,
      value: peakBytes / MIB,
      unit: " MiB",
      must: Math.round(must(weightBytes)),
      aim: Math.round(aim(weightBytes)),
      isCost: true,
      details: { weightMiB: weightBytes / MIB, predictedMiB: predictedBytes / MIB },
    };
    yield {
      name: "the planner's prediction against the measured peak",
      contender: name,
      value: 100 * Math.abs(predictedBytes / peakBytes - 1),
      unit: "%",
      must: 10,
      aim: 3,
      isCost: true,
      details: { predictedMiB: predictedBytes / MIB, measuredMiB: peakBytes / MIB },
    };
  }
}

async function measure({ lora, quantization }: Case): Promise<Measured> {
  const device = await openDevice("webgpu");
  const config = parseConfig({ file: "config.json", json: initConfig(SMOLLM_SHAPE) });
  const plan = stepOf(drawnPairs(2, 1024, SMOLLM_SHAPE.vocabSize), 2);
  const recomputedLayers = SMOLLM_SHAPE.numHiddenLayers;
  const source = lora && { options: lora, seed: "bench" };
  const model = await smollmShaped({}, {
    lora: source && ((base) => openLora(base, source)),
    quantization,
  });
  const planned = model.lora;
  const work = await StepWork.of(model, 2048, recomputedLayers);
  await settle();
  const { peakBytes: predictedBytes } = forecastMemory(openTarget()!, {
    makeModel: () => unfilledModel(config, { lora: planned, quantization }),
    objective,
    optimizer: ADAMW,
    maxGradNorm: 1,
    recomputedLayers,
    windows: Array(STEPS).fill(plan),
  });
  for (let step = 0; step < STEPS; step++) tf.dispose(await work.step(plan));
  await settle();
  const weightBytes = 4 * weightCounts(work.model).parameters;
  return { weightBytes, peakBytes: device.memory.peakBytes(), predictedBytes };
}

async function inProcess(key: string): Promise<Measured> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fromFileUrl(import.meta.url), `--case=${key}`],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`bench/memory.ts --case=${key} failed`);
  return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
}

await runBench(import.meta, figures);
