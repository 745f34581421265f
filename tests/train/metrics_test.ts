import { assertAlmostEquals, assertEquals } from "@std/assert";
import { PAIR_METRICS, pairScore, ScoreSummary, summarizeScores } from "../../src/train/metrics.ts";
import { resolveObjective } from "../../src/train/objective.ts";

const COUNTS = { chosen: 1, rejected: 1, nll: 1 };
const golden = pairScore(
  "golden",
  { chosen: Math.log(0.4), rejected: Math.log(0.2), nll: Math.log(0.4) },
  COUNTS,
);

Deno.test("summarizeScores: the golden pair's total loss, beta .1, NLL over the response", () => {
  const metrics = summarizeScores([golden], resolveObjective({ preset: "paper", beta: 0.1 }));
  assertAlmostEquals(metrics.loss, 0.948136, 1e-6);
  assertAlmostEquals(metrics.log_odds_ratio, -0.318454, 1e-6);
  assertAlmostEquals(metrics["rewards/chosen"], 0.1 * Math.log(0.4), 1e-12);
  assertAlmostEquals(metrics["rewards/margins"], 0.1 * Math.log(2), 1e-12);
  assertEquals(Object.keys(metrics), [...PAIR_METRICS]);
});

Deno.test("summarizeScores: token pools tokens, example averages pairs", () => {
  const long = pairScore("long", { chosen: -3, rejected: -1, nll: -30 }, { ...COUNTS, nll: 10 });
  const short = pairScore("short", { chosen: -1, rejected: -2, nll: -1 }, COUNTS);
  const by = (nllReduction: "token" | "example") =>
    summarizeScores([long, short], { beta: 1, nllScope: "all", nllReduction });
  assertAlmostEquals(by("token").nll_loss, 31 / 11, 1e-12);
  assertAlmostEquals(by("example").nll_loss, 2, 1e-12);
  assertEquals(by("token")["rewards/accuracies"], 0.5);
  assertEquals(by("token").log_odds_accuracies, 0.5);
  assertEquals(by("token")["logps/chosen"], -2);
});

Deno.test("ScoreSummary: beta 0 leaves the NLL alone", () => {
  const summary = new ScoreSummary(resolveObjective({ preset: "llamafactory", beta: 0 }));
  summary.add(golden);
  assertEquals(summary.pairs, 1);
  assertEquals(summary.metrics().loss, summary.metrics().nll_loss);
});

Deno.test("resolveObjective: a preset sets what is not said outright", () => {
  assertEquals(resolveObjective({ preset: "trl", beta: 1 }), {
    beta: 1,
    nllScope: "all",
    nllReduction: "token",
  });
  assertEquals(resolveObjective({ preset: "llamafactory", beta: 1, nllReduction: "token" }), {
    beta: 1,
    nllScope: "response",
    nllReduction: "token",
  });
});

Deno.test("resolveObjective: what a model was trained with stands for what is left out", () => {
  const trained = { beta: 0.5, nllScope: "response", nllReduction: "token" } as const;
  assertEquals(resolveObjective({}, trained), trained);
  assertEquals(resolveObjective({ beta: 0 }, trained), { ...trained, beta: 0 });
  assertEquals(resolveObjective({ preset: "trl" }, trained), {
    beta: 0.5,
    nllScope: "all",
    nllReduction: "token",
  });
  assertEquals(resolveObjective({}), { beta: 0.1, nllScope: "all", nllReduction: "token" });
});
