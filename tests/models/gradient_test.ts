import { assert, assertEquals } from "@std/assert";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import type { CausalLM, TokenBatch } from "../../src/models/model.ts";
import { targetLogProbs } from "../../src/ops/head/head.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { goldenCases, withGoldenModel } from "./fixtures.ts";

const golden = (await goldenCases()).get("attention and mlp bias, untied, one key head")!;
const LENGTH = 32;
const batch: TokenBatch = {
  inputIds: Int32Array.from({ length: 2 * LENGTH }, (_, i) => 3 + i * i % 37),
  batchSize: 2,
  length: LENGTH,
};
const rows = Int32Array.from({ length: LENGTH - 1 }, (_, i) => 2 * i);
const targets = rows.map((row) => batch.inputIds[row + 1]!);

/** The gradients of the mean target log-probability, by name. */
async function gradients(model: CausalLM, tokens: TokenBatch): Promise<Map<string, Float32Array>> {
  const { value, grads } = tf.variableGrads(
    () => tf.mean(targetLogProbs(model.hidden(tokens), model.head(), rows, targets)) as tf.Scalar,
    [
      ...model.parameters.values(),
    ],
  );
  value.dispose();
  const result = new Map<string, Float32Array>();
  for (const [name, variable] of model.parameters) {
    result.set(name, await takeFloats(grads[variable.name]!));
  }
  return result;
}

forEachBackend(
  "llama: gradients repeat bit by bit and leave no tensors behind",
  () =>
    withGoldenModel(golden, async (dir) => {
      const model = await loadCausalLM(dir);
      const first = await gradients(model, batch);
      const before = tf.memory().numTensors;
      for (let i = 0; i < 2; i++) assertEquals(await gradients(model, batch), first);
      assertEquals(tf.memory().numTensors, before);
      model.dispose();
    }),
);

forEachBackend(
  "llama: padding, whatever its id, changes nothing before it",
  () =>
    withGoldenModel(golden, async (dir) => {
      const model = await loadCausalLM(dir);
      const real = 20;
      const hiddenRows = async (filler: number, length: number): Promise<Float32Array> => {
        const inputIds = new Int32Array(2 * length).fill(filler);
        for (const b of [0, 1]) {
          inputIds.set(batch.inputIds.subarray(b * LENGTH, b * LENGTH + real), b * length);
        }
        const hidden = await takeFloats(model.hidden({ inputIds, batchSize: 2, length }));
        const width = real * model.config.hiddenSize;
        const second = length * model.config.hiddenSize;
        return Float32Array.from([
          ...hidden.subarray(0, width),
          ...hidden.subarray(second, second + width),
        ]);
      };
      const expected = await hiddenRows(3, real);
      for (const [filler, length] of [[3, 32], [39, 32], [0, 48]] as const) {
        const actual = await hiddenRows(filler, length);
        assert(actual.every((value, i) => Math.abs(value - expected[i]!) < 1e-5));
      }
      model.dispose();
    }),
  ["wasm", "webgpu"],
);

forEachBackend(
  "llama: gradients equal central differences of the loss",
  () =>
    withGoldenModel(golden, async (dir) => {
      const model = await loadCausalLM(dir);
      const analytic = await gradients(model, batch);
      const loss = async (): Promise<number> => {
        const logProbs = await takeFloats(
          tf.tidy(() => targetLogProbs(model.hidden(batch), model.head(), rows, targets)),
        );
        return logProbs.reduce((sum, value) => sum + value, 0) / logProbs.length;
      };
      for (const [name, variable] of model.parameters) {
        const gradient = analytic.get(name)!;
        const norm = Math.hypot(...gradient);
        const values = variable.dataSync<"float32">().slice();
        const step = 1e-2;
        const along = async (sign: number): Promise<number> => {
          const moved = values.map((value, i) => value + sign * step * gradient[i]! / norm);
          const tensor = tf.tensor(moved, variable.shape);
          variable.assign(tensor);
          tensor.dispose();
          return await loss();
        };
        const slope = (await along(1) - await along(-1)) / (2 * step);
        await along(0);
        assert(Math.abs(slope - norm) < 2e-3 * norm + 2e-4, `${name}: ${slope}, not ${norm}`);
      }
      model.dispose();
    }),
  ["cpu"],
);
