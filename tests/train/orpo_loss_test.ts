import { assert, assertAlmostEquals } from "@std/assert";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import type { PairTokens } from "../../src/train/batch.ts";
import { batchScores, summarizeScores } from "../../src/train/metrics.ts";
import type { NllReduction, OrpoObjective } from "../../src/train/objective.ts";
import { oddsRatio } from "../../src/train/odds_ratio.ts";
import { countWindow, oddsRatioLoss, orpoBatchLoss } from "../../src/train/orpo_loss.ts";
import { packedBatch } from "../../src/train/packed_batch.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { paddedBatch } from "./padded_batch.ts";

const POINTS = [0, -1e-8, -1e-5, -0.03, -0.0626, -0.4, -1.6, -7, -60, -300];
const GRID = POINTS.flatMap((a) => POINTS.map((b) => [a, b] as const));

forEachBackend("oddsRatioLoss: loss and gradient equal the float64 reference", async () => {
  const inputs: [tf.Tensor1D, tf.Tensor1D] = [
    tf.tensor1d(GRID.map(([a]) => a)),
    tf.tensor1d(GRID.map(([, b]) => b)),
  ];
  const { value, grads } = tf.valueAndGrads((a, b) =>
    oddsRatioLoss(a as tf.Tensor1D, b as tf.Tensor1D)
  )(inputs, tf.onesLike(inputs[0]));
  const [loss, gradA, gradB] = [
    await readFloats(value),
    await readFloats(grads[0]!),
    await readFloats(grads[1]!),
  ];
  for (const [i, [a, b]] of GRID.entries()) {
    const expected = oddsRatio(Math.fround(a), Math.fround(b));
    const near = (got: number, want: number, what: string) =>
      assert(
        Number.isFinite(got) && Math.abs(got - want) <= 3e-5 * Math.abs(want) + 1e-6,
        `${what} at a ${a}, b ${b}: got ${got}, expected ${want}`,
      );
    near(loss[i]!, expected.loss, "loss");
    near(gradA[i]!, expected.gradChosen, "dL/da");
    near(gradB[i]!, expected.gradRejected, "dL/db");
  }
  tf.dispose([value, ...grads, ...inputs]);
});

const PAIRS: PairTokens[] = [
  { id: "a", promptIds: [1, 5, 6], chosenIds: [7, 8, 2], rejectedIds: [9, 2] },
  { id: "b", promptIds: [1], chosenIds: [3, 2], rejectedIds: [4, 4, 4, 2] },
  { id: "c", promptIds: [1, 7], chosenIds: [5, 5, 5, 5, 2], rejectedIds: [6, 2] },
];

/** The log-probability every prediction of a token is given. */
const logProb = (token: number): number => -0.1 - 0.37 * token;

const fakeLogProbs = (targets: Int32Array): tf.Tensor1D =>
  tf.tensor1d(Float32Array.from(targets, logProb));

forEachBackend("orpoBatchLoss: equals the loss summed up on the host", async () => {
  for (const nllScope of ["all", "response"] as const) {
    for (const nllReduction of ["token", "example"] as const) {
      const objective: OrpoObjective = { beta: 0.3, nllScope, nllReduction };
      for (const batch of [packedBatch(PAIRS, nllScope), paddedBatch(PAIRS, nllScope)]) {
        const logProbs = fakeLogProbs(batch.targets);
        const { loss, sums } = orpoBatchLoss(logProbs, batch, countWindow(batch.counts), objective);
        const scores = batchScores(["a", "b", "c"], batch.counts, await readFloats(sums));
        const [got] = await readFloats(loss);
        assertAlmostEquals(got!, summarizeScores(scores, objective).loss, 1e-5);
        assertAlmostEquals(got!, expectedLoss(objective), 1e-5);
        tf.dispose([logProbs, loss, sums]);
      }
    }
  }
});

/** The definition, token by token. */
function expectedLoss({ beta, nllScope, nllReduction }: OrpoObjective): number {
  const sum = (tokens: ArrayLike<number>) =>
    Array.from(tokens).reduce((total, token) => total + logProb(token), 0);
  const nll = PAIRS.map((pair) => {
    const tokens = [...Array.from(pair.promptIds).slice(1), ...Array.from(pair.chosenIds)];
    const covered = nllScope === "all" ? tokens : Array.from(pair.chosenIds);
    return { sum: -sum(covered), count: covered.length };
  });
  const odds = PAIRS.map((pair) =>
    oddsRatio(
      sum(pair.chosenIds) / pair.chosenIds.length,
      sum(pair.rejectedIds) / pair.rejectedIds.length,
    ).loss
  );
  const total = (values: number[]) => values.reduce((a, b) => a + b, 0);
  const mean: Record<NllReduction, number> = {
    token: total(nll.map((n) => n.sum)) / total(nll.map((n) => n.count)),
    example: total(nll.map((n) => n.sum / n.count)) / nll.length,
  };
  return mean[nllReduction] + beta * total(odds) / odds.length;
}

forEachBackend("orpoBatchLoss: shares of micro-batches add up to the window's loss", async () => {
  const objective: OrpoObjective = { beta: 0.3, nllScope: "all", nllReduction: "token" };
  const whole = packedBatch(PAIRS, "all");
  const window = countWindow(whole.counts);
  let total = 0;
  for (const pair of PAIRS) {
    const batch = packedBatch([pair], "all");
    const logProbs = fakeLogProbs(batch.targets);
    const { loss, sums } = orpoBatchLoss(logProbs, batch, window, objective);
    total += (await readFloats(loss))[0]!;
    tf.dispose([logProbs, loss, sums]);
  }
  assertAlmostEquals(total, expectedLoss(objective), 1e-5);
});
