import { assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import { currentTuning } from "../../src/tensor/tuning.ts";
import { chooseKernels } from "../../src/train/kept_tuning.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { withCache } from "../tensor/tuning_cache.ts";
import { tinyLlama } from "./tiny_llama.ts";

forEachBackend(
  "chooseKernels: a training that goes on keeps the ways it began with",
  (device) =>
    withCache(async () => {
      const model = tinyLlama("tuning");
      const kept = await chooseKernels(device, model, 64);
      assertEquals(kept?.tuning, currentTuning());
      const tuning = { matmul: { "small result": { "a way": 1 } } };
      await chooseKernels(device, model, 64, { ...kept!, tuning });
      assertStrictEquals(currentTuning(), tuning);
      await chooseKernels(device, model, 64, { adapter: "another", tuning: {} });
      assertNotEquals(currentTuning(), tuning);
      model.dispose();
    }),
  ["webgpu"],
);

forEachBackend("chooseKernels: has nothing to choose off webgpu", async (device) => {
  const model = tinyLlama("tuning");
  assertEquals(await chooseKernels(device, model, 64), undefined);
  model.dispose();
}, ["cpu", "wasm"]);
