import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { globalNorm } from "../../src/ops/update/global_norm.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { AdamW, clipFactor, decays } from "../../src/train/optimizer.ts";
import { type Schedule, scheduleFactor, warmupStepsOf } from "../../src/train/schedule.ts";
import { forEachBackend } from "../tensor/backends.ts";
import architectures from "../golden/architectures.json" with { type: "json" };
import golden from "../golden/torch_optim.json" with { type: "json" };

Deno.test("scheduleFactor: equals transformers' get_scheduler at every step", () => {
  for (const { factors, ...schedule } of golden.schedules) {
    for (const [step, factor] of factors.entries()) {
      assertAlmostEquals(scheduleFactor(schedule as Schedule, step), factor, 1e-12);
    }
  }
});

Deno.test("warmupStepsOf: steps win over the ratio, which is rounded up", () => {
  assertEquals(warmupStepsOf({ warmupSteps: 0, warmupRatio: 0.1 }, 101), 11);
  assertEquals(warmupStepsOf({ warmupSteps: 5, warmupRatio: 0.1 }, 101), 5);
});

Deno.test("decays: norms and biases never decay, everything else does", () => {
  const names = [
    "model.embed_tokens.weight",
    "model.layers.0.self_attn.q_proj.weight",
    "model.layers.0.self_attn.q_proj.bias",
    "model.layers.0.input_layernorm.weight",
    "model.layers.0.self_attn.q_norm.weight",
    "model.norm.weight",
    "lm_head.weight",
  ];
  assertEquals(names.map(decays), [true, true, false, false, false, false, true]);
});

Deno.test("decays: of every architecture the matrices, and no vector", () => {
  for (const { shapes } of Object.values(architectures.cases)) {
    for (const [name, shape] of Object.entries(shapes)) {
      assertEquals(decays(name), shape.length === 2, name);
    }
  }
});

type Values = Record<string, number[]>;

forEachBackend("AdamW: equals torch's AdamW with clipping, step by step", async () => {
  const { weights, shapes, options, gradients, rates, norms, after, maxGradNorm } = golden.adamw;
  const tensors = (values: Values) =>
    new Map(
      Object.entries(values).map(([name, flat]) => [
        name,
        tf.tensor(flat, (shapes as Values)[name]!),
      ]),
    );
  const parameters = new Map(
    [...tensors(weights)].map(([name, tensor]) => {
      const variable = tf.variable(tensor);
      tensor.dispose();
      return [name, variable];
    }),
  );
  const held = tf.memory().numTensors;
  const optimizer = new AdamW(parameters, options);
  for (const [i, step] of gradients.entries()) {
    const given = tensors(step);
    const norm = globalNorm([...given.values()]);
    const factor = clipFactor(norm, maxGradNorm);
    assertAlmostEquals((await readFloats(norm))[0]!, norms[i]!, 1e-5);
    optimizer.update(given, rates[i]!, factor);
    for (const [name, expected] of Object.entries(after[i]!)) {
      const values = await readFloats(parameters.get(name)!);
      expected.forEach((value, at) => assertAlmostEquals(values[at]!, value, 2e-6));
    }
    tf.dispose([norm, factor, ...given.values()]);
  }
  optimizer.dispose();
  assertEquals(tf.memory().numTensors, held);
  tf.dispose([...parameters.values()]);
});

forEachBackend("AdamW: a restored state goes on bit for bit", async () => {
  const make = () => new Map([["w", tf.variable(tf.tensor1d([1, -2, 3]))]]);
  const options = { adamBeta1: 0.9, adamBeta2: 0.999, adamEpsilon: 1e-8, weightDecay: 0.01 };
  const gradient = (i: number) => new Map([["w", tf.tensor1d([0.3 * i, -1 / i, 0.01])]]);
  const straight = make();
  const optimizer = new AdamW(straight, options);
  let saved: { weights: Float32Array; state: [string, Float32Array][] } | undefined;
  for (let i = 1; i <= 6; i++) {
    optimizer.update(gradient(i), 0.1);
    if (i !== 3) continue;
    const state: [string, Float32Array][] = [];
    for (const [name, tensor] of optimizer.state()) state.push([name, await readFloats(tensor)]);
    saved = { weights: await readFloats(straight.get("w")!), state };
  }
  const resumed = make();
  resumed.get("w")!.assign(tf.tensor1d(saved!.weights));
  const second = new AdamW(resumed, options);
  await second.restore(
    3,
    (async function* () {
      for (const [name, values] of saved!.state) yield [name, tf.tensor1d(values)];
    })(),
  );
  for (let i = 4; i <= 6; i++) second.update(gradient(i), 0.1);
  const [a, b] = [await readFloats(straight.get("w")!), await readFloats(resumed.get("w")!)];
  assertEquals(b, a);
  assert(second.step === 6);
});
