/** GPT-2's architecture with trained weights: minGPT's model that sorts six digits of 0 to 2. */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { generateBatch } from "../../src/models/generation/generate.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { writeSafetensors } from "../../src/weights/write_safetensors.ts";
import { assertClose } from "../ops/check.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { allLogits } from "./fixtures.ts";

const DIR = "../shared/data/models/gpt-nano-sort";
const WEIGHTS = `${DIR}/gpt-nano-sort-model.json`;
const PARTIALS = `${DIR}/gpt-nano-sort-t0-partials.json`;
const LENGTH = 11;
const DIGITS = 6;

interface StoredTensor {
  shape: number[];
  data: string;
}

async function readTensors(path: string): Promise<Map<string, StoredTensor>> {
  const { config: _, ...tensors } = JSON.parse(await Deno.readTextFile(path));
  return new Map(Object.entries(tensors));
}

function valuesOf({ data }: StoredTensor): Float32Array {
  return new Float32Array(Uint8Array.from(atob(data), (byte) => byte.charCodeAt(0)).buffer);
}

/** minGPT's matrices are [out, in], GPT-2's [in, out]. */
function toGpt2(name: string, { shape, ...tensor }: StoredTensor) {
  const values = valuesOf({ shape, ...tensor });
  if (!/\.(c_attn|c_proj|c_fc)\.weight$/.test(name)) return { shape, values: () => values };
  const [rows, columns] = shape as [number, number];
  const turned = values.map((_, i) => values[i % rows * columns + Math.floor(i / rows)]!);
  return { shape: [columns, rows], values: () => turned };
}

/** Writes the model as a Hugging Face folder. @param prefix What names begin with. */
async function writeModel(dir: string, prefix: string): Promise<void> {
  const config = {
    model_type: "gpt2",
    vocab_size: 3,
    n_positions: LENGTH,
    n_embd: 48,
    n_layer: 3,
    n_head: 3,
    tie_word_embeddings: false,
  };
  await Deno.writeTextFile(join(dir, "config.json"), JSON.stringify(config));
  const tensors = [...await readTensors(WEIGHTS)].map(([name, tensor]) =>
    [name.replace("transformer.", prefix), toGpt2(name, tensor)] as const
  );
  await writeSafetensors(join(dir, "model.safetensors"), new Map(tensors));
}

async function withModel(prefix: string, fn: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await writeModel(dir, prefix);
    await fn(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The likeliest token after each text; the model has no position to put it at. */
async function lastChoices(model: CausalLM, texts: number[][]): Promise<Int32Array> {
  const choices = tf.tidy(() => {
    const inputIds = Int32Array.from(texts.flat());
    const hidden = model.hidden({ inputIds, batchSize: texts.length, length: LENGTH });
    const logits = tf.reshape(allLogits(model, hidden), [texts.length, LENGTH, 3]);
    return tf.argMax(tf.slice(logits, [0, LENGTH - 1, 0], [-1, 1, -1]), 2);
  });
  const values = await choices.data();
  choices.dispose();
  return values as Int32Array;
}

const present = await Deno.stat(WEIGHTS).then(() => true, () => false);
if (!present) console.log(`gpt-nano-sort tests are skipped: there is no ${DIR}`);

if (present) {
  forEachBackend(
    "gpt2: gpt-nano-sort computes minGPT's hidden states and logits",
    () =>
      withModel("transformer.", async (dir) => {
        const partials = await readTensors(PARTIALS);
        const inputIds = Int32Array.from(valuesOf(partials.get("idx")!));
        const model = await loadCausalLM(dir);
        const [hidden, logits] = tf.tidy(() => {
          const hidden = model.hidden({ inputIds, batchSize: 3, length: LENGTH });
          return [hidden, allLogits(model, hidden)];
        });
        assertClose("ln_f", await takeFloats(hidden), valuesOf(partials.get("ln_f")!), 1e-4);
        assertClose("lm_head", await takeFloats(logits), valuesOf(partials.get("lm_head")!), 1e-4);
        model.dispose();
      }),
  );

  forEachBackend("gpt2: gpt-nano-sort sorts", () =>
    // Names as a checkpoint of the bare model has them.
    withModel("", async (dir) => {
      const model = await loadCausalLM(dir);
      const inputs = Array.from({ length: 3 ** DIGITS }, (_, n) =>
        Array.from({ length: DIGITS }, (_, place) => Math.floor(n / 3 ** place) % 3)).filter((
          _,
          n,
        ) =>
          n % 13 === 0
        );
      const texts = await generateBatch(model, inputs, {
        maxNewTokens: LENGTH - DIGITS,
        eosTokenIds: [],
      });
      const sorted = inputs.map((digits) => digits.toSorted());
      const lastDigits = await lastChoices(
        model,
        inputs.map((digits, i) => [...digits, ...texts[i]!]),
      );
      const right = texts.filter((text, i) =>
        [...text, lastDigits[i]].join() === sorted[i]!.join()
      );
      assert(right.length === inputs.length, `${right.length} of ${inputs.length}`);
      assertEquals(texts[0]!.length, LENGTH - DIGITS);
      model.dispose();
    }));
}
