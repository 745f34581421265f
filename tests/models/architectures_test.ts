/**
 * Every architecture but Llama (golden_test.ts) against transformers, whose numbers
 * tests/golden/architectures.py wrote.
 */

import { assert, assertEquals } from "@std/assert";
import type { Json } from "../../src/base/json.ts";
import { generate } from "../../src/models/generation/generate.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { parseConfig } from "../../src/models/parse_config.ts";
import { SegmentLayout } from "../../src/ops/attention/segments.ts";
import { DecodingSession } from "../../src/models/generation/session.ts";
import { readFloats, takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { windowGradients, type WindowResult } from "../../src/train/gradients.ts";
import { resolveObjective } from "../../src/train/objective.ts";
import { planWindow } from "../../src/train/window_plan.ts";
import { formula } from "../golden/weights.ts";
import { assertClose } from "../ops/check.ts";
import { withSmallKernels } from "../ops/reference.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { freeWindow } from "../train/windows.ts";
import { allLogits, withGoldenModel } from "./fixtures.ts";

interface ArchitectureCase {
  /** config.json as it lies on the hub, and as transformers saves it. */
  published: Record<string, Json>;
  config: Record<string, Json>;
  shapes: Record<string, number[]>;
  /** Of each sequence, each token's [V]. */
  logits: number[][][];
  greedy: { prompt: number[]; ids: number[] };
  orpo: { logpsChosen: number; logpsRejected: number; gradients: Record<string, number[]> };
}

interface Golden {
  sequences: number[][];
  pair: { promptIds: number[]; chosenIds: number[]; rejectedIds: number[]; beta: number };
  cases: Record<string, ArchitectureCase>;
}

const golden: Golden = JSON.parse(
  await Deno.readTextFile(new URL("../golden/architectures.json", import.meta.url)),
);

for (const [name, architecture] of Object.entries(golden.cases)) {
  forEachBackend(
    `${name}: logits, gradients and greedy text of transformers`,
    () =>
      withSmallKernels(() =>
        withGoldenModel(architecture, async (dir) => {
          const before = tf.memory().numTensors;
          const model = await loadCausalLM(dir);
          await checkLogits(model, architecture);
          await checkGradients(model, architecture);
          const { prompt, ids } = architecture.greedy;
          const text = await generate(model, prompt, { maxNewTokens: ids.length, eosTokenIds: [] });
          assertEquals(text, ids);
          await checkSession(model, architecture);
          model.dispose();
          assertEquals(tf.memory().numTensors, before, "tensors left behind");
        })
      ),
  );

  Deno.test(`${name}: config.json means the same as published and as saved`, () => {
    const { published, config } = architecture;
    const parse = (json: Record<string, Json>) => parseConfig({ file: "config.json", json });
    assertEquals(parse(published), parse(config));
  });
}

/** A gradient's norm below which transformers' float64 shows float32's rounding alone. */
const ROUNDING = 1e-6;

/** Both sequences in one stream, all of their rows. */
async function checkLogits(model: CausalLM, { logits }: ArchitectureCase): Promise<void> {
  const { sequences } = golden;
  const layout = SegmentLayout.ofSequences(sequences.map((ids) => ids.length));
  const inputIds = Int32Array.from(sequences.flat());
  const rows = tf.tidy(() => allLogits(model, model.hidden({ inputIds, layout })));
  assertClose("logits", await takeFloats(rows), logits.flat(2), 1e-4);
}

/** The same text in two pieces, the second of which finds most of its prompt on the device. */
async function checkSession(model: CausalLM, { greedy }: ArchitectureCase): Promise<void> {
  const { prompt, ids } = greedy;
  using session = new DecodingSession(model, { roomTokens: ids.length });
  const start = await session.generate(prompt, { maxNewTokens: 3, eosTokenIds: [] });
  assertEquals(start.ids, ids.slice(0, 3));
  const rest = await session.generate([...prompt, ...ids.slice(0, 8)], {
    maxNewTokens: ids.length - 8,
    eosTokenIds: [],
  });
  assertEquals(rest.ids, ids.slice(8));
  assert(rest.cachedTokens >= prompt.length, `${rest.cachedTokens} tokens from the cache`);
}

/** Of the ORPO loss of a packed pair, whose answers share their prompt. */
async function checkGradients(model: CausalLM, { orpo }: ArchitectureCase): Promise<void> {
  const { beta, ...pair } = golden.pair;
  const objective = resolveObjective({ preset: "trl", beta });
  const limits = { pairs: 1, tokens: Infinity };
  const plan = planWindow([{ id: "0", ...pair }], objective.nllScope, limits);
  const window = await windowGradients(model, plan, { objective });
  await checkSameBits(
    window,
    await windowGradients(model, plan, { objective, recomputedLayers: 9 }),
  );
  assertEquals([...window.gradients.keys()].sort(), Object.keys(orpo.gradients).sort());
  for (const [name, gradient] of window.gradients) {
    const values = await readFloats(gradient);
    const probe = formula("probe", values.length);
    const [norm, product, first, last] = orpo.gradients[name] as [number, number, number, number];
    const actual = [
      Math.hypot(...values),
      values.reduce((sum, g, i) => sum + g * probe[i]!, 0),
      values[0]!,
      values.at(-1)!,
    ];
    if (norm < ROUNDING) {
      // A key's bias shifts all scores of a query alike: its gradient is 0 but for rounding.
      assert(actual[0]! < 10 * ROUNDING, `d ${name}: ${actual[0]} where 0 is expected`);
      continue;
    }
    const parts = (numbers: number[]) => numbers.map((value) => value / norm);
    assertClose(`d ${name}`, parts(actual), parts([norm, product, first, last]), 1e-3);
  }
  freeWindow(window);
}

/** Frees the second window. */
async function checkSameBits(first: WindowResult, second: WindowResult): Promise<void> {
  for (const [name, gradient] of second.gradients) {
    const [again, before] = [
      await readFloats(gradient),
      await readFloats(first.gradients.get(name)!),
    ];
    assertEquals(again, before, `d ${name}, with every layer computed twice`);
  }
  freeWindow(second);
}
