/** forecastMemory: every architecture can be rehearsed, on a GPU that is not there. */

import { assert, assertEquals } from "@std/assert";
import type { Json } from "../../src/base/json.ts";
import { parseConfig } from "../../src/models/parse_config.ts";
import { unfilledModel } from "../../src/models/unfilled.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { COMMON_TARGET } from "../../src/tensor/rehearsal.ts";
import { forecastMemory } from "../../src/train/forecast.ts";
import { resolveObjective } from "../../src/train/objective.ts";
import { packedBatch } from "../../src/train/packed_batch.ts";
import { planWindow } from "../../src/train/window_plan.ts";
import golden from "../golden/architectures.json" with { type: "json" };
import { TINY_CONFIG } from "./tiny_llama.ts";

const objective = resolveObjective({ preset: "trl" });
const { beta: _, ...pair } = golden.pair;

for (const [name, { config, shapes }] of Object.entries(golden.cases)) {
  Deno.test(`forecastMemory: ${name}, a step and what it holds`, async () => {
    await openDevice("cpu");
    const plan = planWindow([{ id: "0", ...pair }], objective.nllScope, {
      pairs: 1,
      tokens: Infinity,
    });
    const parsed = parseConfig({ file: "config.json", json: config as Record<string, Json> });
    const forecast = forecastMemory(COMMON_TARGET, {
      makeModel: () => unfilledModel(parsed),
      objective,
      optimizer: { adamBeta1: 0.9, adamBeta2: 0.999, adamEpsilon: 1e-8, weightDecay: 0 },
      maxGradNorm: 1,
      recomputedLayers: 1,
      windows: [plan],
      evaluation: plan.batches,
    });
    const sizes = Object.values(shapes).map((shape) => shape.reduce((a, b) => a * b, 1));
    const bytes = 4 * sizes.reduce((a, b) => a + b, 0);
    assertEquals(forecast.gradientBytes, bytes);
    assert(forecast.weightBytes >= bytes, `${forecast.weightBytes} bytes of ${bytes}`);
    assert(forecast.peakBytes > 4 * bytes, `${forecast.peakBytes} bytes of ${bytes}`);
  });
}

Deno.test("forecastMemory: scoring holds one block's tensors at a time, however many there are", async () => {
  await openDevice("cpu");
  const work = (numHiddenLayers: number) => {
    const config = { ...TINY_CONFIG, numHiddenLayers };
    const ids = Array.from({ length: 600 }, (_, i) => i % 7);
    const scored = packedBatch(
      [{ id: "0", promptIds: ids, chosenIds: [1, 2], rejectedIds: [3] }],
      objective.nllScope,
    );
    const { peakBytes, weightBytes, momentBytes } = forecastMemory(COMMON_TARGET, {
      makeModel: () => unfilledModel(config),
      objective,
      optimizer: { adamBeta1: 0.9, adamBeta2: 0.999, adamEpsilon: 1e-8, weightDecay: 0 },
      maxGradNorm: 1,
      recomputedLayers: 0,
      windows: [],
      evaluation: [scored],
    });
    return peakBytes - weightBytes - momentBytes;
  };
  const [few, many] = [work(2), work(12)];
  assert(many < 1.1 * few, `${many} bytes with twelve layers, ${few} with two`);
});
