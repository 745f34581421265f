import { assert, assertEquals } from "@std/assert";
import { Rng } from "../../src/base/rng.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { scorePairs } from "../../src/train/evaluate_pairs.ts";
import { summarizeScores } from "../../src/train/metrics.ts";
import type { OrpoObjective } from "../../src/train/objective.ts";
import { tinyLlama } from "./tiny_llama.ts";
import { tinyPairs } from "./tiny_model.ts";
import { type Cut, freeWindow, gradientsOf } from "./windows.ts";

const PAIRS = tinyPairs(2, "gradient");

async function lossOf(model: CausalLM, objective: OrpoObjective): Promise<number> {
  const options = { batchSize: 2, nllScope: objective.nllScope };
  return summarizeScores(await Array.fromAsync(scorePairs(model, PAIRS, options)), objective).loss;
}

/**
 * Slope of the loss along a direction in one weight tensor, by the five-point formula, whose error
 * is of fourth order in the step.
 */
async function slopeAlong(
  model: CausalLM,
  objective: OrpoObjective,
  variable: tf.Variable,
  direction: Float32Array,
): Promise<number> {
  const start = await readFloats(variable);
  const at = async (distance: number) => {
    const moved = start.map((value, i) => value + distance * direction[i]!);
    tf.tidy(() => variable.assign(tf.tensor(moved, variable.shape)));
    return await lossOf(model, objective);
  };
  const h = 0.008;
  const slope = (8 * (await at(h) - await at(-h)) - (await at(2 * h) - await at(-2 * h))) /
    (12 * h);
  tf.tidy(() => variable.assign(tf.tensor(start, variable.shape)));
  return slope;
}

function unitVector(rng: Rng, length: number): Float32Array {
  const drawn = Float32Array.from({ length }, () => rng.normal());
  const norm = Math.hypot(...drawn);
  return drawn.map((value) => value / norm);
}

const CASES: { name: string; tied: boolean; objective: OrpoObjective; form: Cut["form"] }[] = [
  {
    name: "packed, tied head, NLL over all",
    tied: true,
    objective: objectiveOf("all", "token", 1),
    form: "packed",
  },
  {
    name: "packed, own head, NLL per example",
    tied: false,
    objective: objectiveOf("response", "example", 3),
    form: "packed",
  },
  {
    name: "padded, beta 0",
    tied: true,
    objective: objectiveOf("response", "token", 0),
    form: "padded",
  },
];

function objectiveOf(
  nllScope: OrpoObjective["nllScope"],
  nllReduction: OrpoObjective["nllReduction"],
  beta: number,
): OrpoObjective {
  return { nllScope, nllReduction, beta };
}

for (const { name, tied, objective, form } of CASES) {
  Deno.test(`windowGradients: equals finite differences in every weight tensor (${name})`, async () => {
    await openDevice("cpu");
    const model = tinyLlama("gradient", { tieWordEmbeddings: tied });
    const rng = Rng.fromSeed("directions");
    const window = await gradientsOf(model, PAIRS, { objective, pairs: 1, form });
    const { gradients } = window;
    assertEquals([...gradients.keys()].sort(), [...model.parameters.keys()].sort());
    for (const [weight, variable] of model.parameters) {
      const gradient = await readFloats(gradients.get(weight)!);
      const norm = Math.hypot(...gradient);
      // Half a random direction, half the gradient's own, where the slope is steepest.
      const drawn = unitVector(rng, gradient.length);
      const direction = drawn.map((value, i) => (value + gradient[i]! / norm) / Math.SQRT2);
      const expected = gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0);
      const slope = await slopeAlong(model, objective, variable, direction);
      const allowed = 1e-3 * norm + 5e-5;
      assert(
        Math.abs(slope - expected) <= allowed,
        `${weight}: slope ${slope}, gradient ${expected}, allowed difference ${allowed}`,
      );
      assert(norm > 20 * allowed, `${weight}: a gradient of norm ${norm} proves nothing`);
    }
    freeWindow(window);
    model.dispose();
  });
}
