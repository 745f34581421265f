/** Every architecture as a GGUF file and back: what comes back computes what transformers does. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { exportGguf } from "../../src/models/gguf/export_gguf.ts";
import { importGguf } from "../../src/models/gguf/import_gguf.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import golden from "../golden/architectures.json" with { type: "json" };
import { assertClose } from "../ops/check.ts";
import { allLogits, type GoldenCase } from "./fixtures.ts";
import { folder, llamaCpp } from "./llama_cpp.ts";
import { nextProbabilities } from "./next_logits.ts";
import { withTextModel } from "./text_model.ts";

/** What llama.cpp computes otherwise, or does not have. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "qwen2, window from the second layer": /"use_sliding_window"/,
  "qwen2, rope yarn": /"yarn" rotation/,
  "qwen3, untied": /"attention_bias"/,
  "gemma2": /"query_pre_attn_scalar"/,
  "gemma3_text": /"(query_pre_attn_scalar|sliding_window_pattern|layer_types)"/,
  "gemma3_text, rope linear on the global layers":
    /"(query_pre_attn_scalar|sliding_window_pattern|layer_types)"/,
  "opt": /no rule for "opt"/,
  "opt, norm after, projected embeddings": /no rule for "opt"/,
  "phi": /no rule for "phi"/,
  "phi, qk_layernorm, grouped heads": /no rule for "phi"/,
  "phi3, longrope on part of a head": /"partial_rotary_factor"/,
  "smollm3": /"(no_rope_layer_interval|no_rope_layers)"/,
};

/** Rows that are right: a window over every block is left out, and bounds the context instead. */
const ROWS: Readonly<Record<string, number>> = { "mistral": 6, "phi3": 6 };

for (const [name, architecture] of Object.entries(golden.cases)) {
  const model = architecture as unknown as GoldenCase;
  const refused = REFUSED[name];
  if (refused) {
    Deno.test(`exportGguf: "${name}" is refused, not written otherwise`, () =>
      withTextModel(model, async (dir, file) => {
        const error = await assertRejects(() => exportGguf(dir, file), OddsmithError);
        assertEquals(error.code, "NOT_IN_GGUF");
        assertMatch(error.message, refused);
      }));
    continue;
  }
  Deno.test(`exportGguf: "${name}" comes back with transformers' logits`, () =>
    withTextModel(model, async (dir, file) => {
      await openDevice("wasm");
      const [ids] = golden.sequences as [number[]];
      const rows = ROWS[name] ?? ids.length;
      const logits = await logitsOf(await throughGguf(dir, file), ids.slice(0, rows));
      const expected = architecture.logits[0]!.slice(0, rows).flat();
      assertClose("logits", logits, expected, 1e-4);
    }));
}

/** Configurations that llama.cpp has, of goldens that it has not. */
const CHANGED = [
  ["gemma2", {
    query_pre_attn_scalar: 8,
    layer_types: ["sliding_attention", "full_attention", "sliding_attention"],
  }],
  ["gemma3_text", {
    query_pre_attn_scalar: 8,
    sliding_window_pattern: 6,
    layer_types: ["sliding_attention", "sliding_attention", "sliding_attention"],
  }],
  ["smollm3", { no_rope_layers: [1, 1, 1], no_rope_layer_interval: 4 }],
] as const;

for (const [name, change] of CHANGED) {
  const { config, shapes } = golden.cases[name];
  Deno.test(`exportGguf: "${name}" as llama.cpp has it comes back with the same logits`, () =>
    withTextModel(
      { config: { ...config, ...change }, shapes } as unknown as GoldenCase,
      async (dir, file) => {
        await openDevice("wasm");
        const [ids] = golden.sequences as [number[]];
        const own = await logitsOf(dir, ids);
        assertClose("logits", await logitsOf(await throughGguf(dir, file), ids), own, 1e-5);
      },
    ));
}

/** A folder of what a folder becomes as GGUF and back. */
async function throughGguf(dir: string, file: string): Promise<string> {
  await exportGguf(dir, file, { dtype: "F32" });
  const back = join(dir, "back");
  await Deno.mkdir(back);
  await importGguf(file, back);
  return back;
}

async function logitsOf(dir: string, ids: number[]): Promise<Float32Array> {
  const model = await loadCausalLM(dir);
  const logits = tf.tidy(() => {
    const inputIds = Int32Array.from(ids);
    return allLogits(model, model.hidden({ inputIds, batchSize: 1, length: ids.length }));
  });
  const values = await takeFloats(logits);
  model.dispose();
  return values;
}

/** Models that llama.cpp has, and how many tokens of a prompt it computes as they do. */
const WRITTEN: [name: string, golden: GoldenCase, tokens: number][] = [
  ...Object.entries(golden.cases).filter(([name]) => !REFUSED[name]).map((
    [name, model],
  ): [string, GoldenCase, number] => [name, model as unknown as GoldenCase, ROWS[name] ?? 20]),
  ...CHANGED.map(([name, change]): [string, GoldenCase, number] => {
    const { config, shapes } = golden.cases[name];
    return [name, { config: { ...config, ...change }, shapes } as unknown as GoldenCase, 20];
  }),
];

for (const [name, model, tokens] of WRITTEN) {
  Deno.test({
    name: `exportGguf: llama.cpp computes "${name}" as this project does`,
    ignore: folder === undefined,
    fn: () =>
      withTextModel(model, async (dir, file) => {
        await openDevice("wasm");
        await exportGguf(dir, file, { dtype: "F32" });
        const [ids] = golden.sequences as [number[]];
        // Several: where the token drawn ends the text, node-llama-cpp gives no probabilities.
        const prompts = [0, 1, 2, 3].map((left) => ids.slice(0, tokens - left));
        const { probabilities } = await llamaCpp({ model: file, prompts, count: 1 });
        assert(probabilities.some((given) => given !== null), "no probabilities");
        const own = await loadCausalLM(dir);
        for (const [i, given] of probabilities.entries()) {
          const expected = await nextProbabilities(own, prompts[i]!);
          for (const [id, theirs] of given ?? []) {
            // llama.cpp keeps keys and values in float16.
            assert(Math.abs(theirs - expected[id]!) <= 2e-3, `prompt ${i}, token ${id}: ${theirs}`);
          }
        }
        own.dispose();
      }),
  });
}
