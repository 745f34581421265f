/** Every architecture with a branch at every module, quantized and not: what is merged is the same. */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { Json } from "../../src/base/json.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import { LoraAdapters, newDeltas } from "../../src/models/lora/lora.ts";
import { loraModules, resolveLora, targetedModules } from "../../src/models/lora/settings.ts";
import { saveCausalLM } from "../../src/models/folder/save.ts";
import { formula } from "../golden/weights.ts";
import { assertClose } from "../ops/check.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { withGoldenModel } from "./fixtures.ts";
import { nextLogits } from "./next_logits.ts";

interface Golden {
  sequences: number[][];
  cases: Record<string, { config: Record<string, Json>; shapes: Record<string, number[]> }>;
}

const { sequences, cases }: Golden = JSON.parse(
  await Deno.readTextFile(new URL("../golden/architectures.json", import.meta.url)),
);

for (const [name, golden] of Object.entries(cases)) {
  forEachBackend(
    `lora: ${name} adapted everywhere equals itself merged`,
    () =>
      withGoldenModel(golden, async (dir) => {
        for (const quantization of ["none", "f16"] as const) {
          const model = await loadCausalLM(dir, {
            quantization,
            lora: (base) => {
              const modules = loraModules(base);
              const settings = resolveLora({ r: 2, targetModules: [...modules.keys()] }, name);
              const chosen = targetedModules(modules, settings.targetModules);
              assertEquals(chosen.length, modules.size);
              const deltas = newDeltas(chosen, settings, "seed").map((delta) => ({
                ...delta,
                loraA: Float32Array.from(formula(delta.module.name, delta.loraA.length)),
                loraB: Float32Array.from(formula("B", delta.loraB.length)),
              }));
              return new LoraAdapters(settings, deltas);
            },
          });
          const merged = join(dir, `merged-${quantization}`);
          await Deno.mkdir(merged);
          await saveCausalLM(model, dir, merged);
          const [base, whole] = [await loadCausalLM(dir), await loadCausalLM(merged)];
          const [plain, adapted, same] = [
            await nextLogits(base, sequences[0]!),
            await nextLogits(model, sequences[0]!),
            await nextLogits(whole, sequences[0]!),
          ];
          assertClose("logits", adapted, same, 1e-4);
          assert(
            plain.some((value, i) => Math.abs(value - adapted[i]!) > 0.1),
            "the branches count",
          );
          for (const each of [base, whole, model]) each.dispose();
        }
      }),
    ["cpu", "webgpu"],
  );
}
