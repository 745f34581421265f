/**
 * The whole optimizer step of a model with SmolLM2-135M's sizes: by fused kernels against stock
 * tfjs operations, on the same packed pairs. Takes minutes: a stock step does.
 */

import { openDevice } from "../src/tensor/device.ts";
import { setKernels } from "../src/tensor/kernels.ts";
import { compare, type Comparison, type Figure, runBench } from "./harness.ts";
import { SMOLLM_SHAPE, smollmShaped } from "./smollm_shape.ts";
import { drawnPairs, stepOf, StepWork } from "./step_work.ts";

const PAIR_TOKENS = 256;

async function* figures(): AsyncGenerator<Figure> {
  await openDevice("webgpu");
  const plan = stepOf(drawnPairs(2, PAIR_TOKENS, SMOLLM_SHAPE.vocabSize), 2);
  const work = await StepWork.of(await smollmShaped(), 2 * PAIR_TOKENS);
  const by = (kernels: "fused" | "reference") => async () => {
    setKernels(kernels);
    try {
      return await work.step(plan);
    } finally {
      setKernels("fused");
    }
  };
  // Compiles the fused programs; the stock ones are compiled within their first step of minutes.
  await by("fused")();
  const comparison: Comparison = {
    name: `ORPO step of a 134.5 M parameter Llama on 2 pairs of ${PAIR_TOKENS} tokens`,
    base: { name: "stock operations", run: by("reference") },
    contenders: [{ name: "fused", run: by("fused") }],
    must: 6,
    aim: 10,
    rounds: 3,
    warmsUp: false,
  };
  yield* await compare(comparison);
  work.dispose();
}

await runBench(import.meta, figures);
