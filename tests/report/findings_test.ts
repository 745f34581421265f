import { assertEquals, assertMatch } from "@std/assert";
import type { EvaluationSummary, ModelFigures } from "../../src/report/evaluation.ts";
import { findings, headline } from "../../src/report/findings.ts";
import type { ReportInput } from "../../src/report/input.ts";
import { LengthTally } from "../../src/report/lengths.ts";
import type { TrainingLog } from "../../src/report/training_log.ts";

const bare: ReportInput = {
  title: "test",
  run: { id: "run", startedAt: "2025-01-01T00:00:00Z", seed: 1 },
  stages: [],
  artifacts: [],
  versions: {},
};

function model(accuracy: number, chosen: number, rejected: number): ModelFigures {
  return {
    ref: "model.model",
    digest: "",
    metrics: {
      "eval_rewards/accuracies": accuracy,
      "eval_logps/chosen": chosen,
      "eval_logps/rejected": rejected,
    },
    intervals: {
      "eval_rewards/accuracies": {
        low: accuracy === 1 ? 1 : accuracy - 0.1,
        high: Math.min(1, accuracy + 0.1),
        level: 0.95,
      },
    },
  };
}

function evaluated(
  before: ModelFigures,
  after: ModelFigures,
  change: [number, number],
  pairs = 100,
): ReportInput {
  const summary: EvaluationSummary = {
    pairs,
    objective: { beta: 0.1, nllScope: "all", nllReduction: "token" },
    before,
    after,
    change: {
      "eval_rewards/accuracies": { mean: 0, low: change[0], high: change[1], level: 0.95 },
    },
  };
  const none = { worst: [], best: [], before: [], after: [], total: 0 };
  return { ...bare, evaluation: { summary, generations: [], pairs: none } };
}

function log(series: Record<string, number[]>): TrainingLog {
  const entries = Object.entries(series).map(([name, values]) =>
    [name, values.map((value, i) => ({ step: 10 * (i + 1), value }))] as const
  );
  return { series: new Map(entries), summary: {} };
}

const texts = (input: ReportInput, level: string) =>
  findings(input).filter((finding) => finding.level === level).map(({ text }) => text);

Deno.test("headline: says up, down or no difference by the interval of the change", () => {
  const said = (change: [number, number]) =>
    headline(evaluated(model(0.5, -5, -5), model(0.9, -1, -6), change));
  assertMatch(said([0.2, 0.5]), /now prefers .* 90% of 100 held-out pairs \(95% .* up from 50%/);
  assertMatch(said([-0.5, -0.1]), /did harm: .* 90% .* down from 50%/);
  assertMatch(said([-0.1, 0.2]), /do not show a difference/);
  const all = headline(evaluated(model(0.5, -5, -5), model(1, -1, -6), [0.2, 0.5]));
  assertMatch(all, /100% of 100 held-out pairs, up from 50%/);
});

Deno.test("findings: separation is good, plain fine-tuning's rise of rejected answers is not", () => {
  const separated = evaluated(model(0.5, -5, -5), model(0.9, -1, -6), [0.2, 0.5]);
  assertMatch(texts(separated, "good")[0]!, /likelier \(−5\.000 to −1\.000.*less likely/);
  assertEquals(texts(separated, "warn"), []);
  const both = evaluated(model(0.5, -5, -5), model(0.6, -1, -2), [0.01, 0.2]);
  assertMatch(texts(both, "warn")[0]!, /Rejected answers became likelier too/);
  const neither = evaluated(model(0.5, -2, -2), model(0.6, -3, -5), [0.01, 0.2]);
  assertMatch(texts(neither, "warn")[0]!, /Both answers became less likely/);
  const reversed = evaluated(model(0.5, -2, -2), model(0.1, -3, -1), [-0.5, -0.3]);
  assertMatch(texts(reversed, "warn")[0]!, /columns the right way round/);
});

Deno.test("findings: chosen near 0 with rejected below -5 is called overfitting", () => {
  const input = evaluated(model(0.5, -5, -5), model(0.98, -0.02, -8), [0.2, 0.5]);
  assertMatch(texts(input, "warn")[0]!, /−0\.020 a token.*usual sign of overfitting/);
  const certain = { "logps/chosen": [-3, -0.05], "logps/rejected": [-3, -7] };
  const watched = { ...input, training: log({ ...certain, eval_nll_loss: [3, 0.2, 0.1] }) };
  assertEquals(texts(watched, "warn"), []);
  assertMatch(texts(watched, "note")[0]!, /has not risen, so these pairs show no harm/);
  const rising = { ...input, training: log({ ...certain, eval_nll_loss: [3, 0.1, 0.2] }) };
  assertMatch(texts(rising, "warn")[0]!, /overfits from there/);
  const unwatched = { ...bare, training: log(certain) };
  assertMatch(texts(unwatched, "warn")[0]!, /usual sign of overfitting/);
});

Deno.test("findings: a held-out loss that rises again is named with its step", () => {
  const rising = { ...bare, training: log({ eval_nll_loss: [2, 1, 1.4] }) };
  assertMatch(texts(rising, "warn")[0]!, /lowest at step 20 \(1\.000\) and rose to 1\.400/);
  const falling = { ...bare, training: log({ eval_nll_loss: [2, 1, 1.01] }) };
  assertEquals(texts(falling, "warn"), []);
});

Deno.test("findings: a gap between training and held-out pairs is named", () => {
  const training = log({ "logps/chosen": [-0.1], "eval_logps/chosen": [-2] });
  assertMatch(texts({ ...bare, training }, "warn")[0]!, /the training set itself/);
});

Deno.test("findings: few pairs and pairs that all came out alike are said to be so", () => {
  const few = evaluated(model(0.5, -5, -5), model(0.9, -1, -6), [0.2, 0.5], 10);
  assertMatch(texts(few, "note")[0]!, /10 held-out pairs are few.*10%/);
  const all = evaluated(model(0.5, -5, -5), model(1, -1, -6), [0.2, 0.5], 60);
  assertMatch(texts(all, "note")[0]!, /Not one of 60 pairs went wrong.*5% away/);
});

Deno.test("findings: answers that differ in length as a rule are noted", () => {
  const tally = (chosen: number[], rejected: number[]) => {
    const lengths = new LengthTally();
    chosen.forEach((length, i) =>
      lengths.add({ prompt: 5, chosen: length, rejected: rejected[i]! })
    );
    return { ...bare, data: { counts: { train: chosen.length, eval: 0 }, lengths } };
  };
  assertMatch(
    texts(tally([20, 22, 24], [10, 11, 12]), "note")[0]!,
    /longer one in 100%.*2\.000 times/,
  );
  assertEquals(texts(tally([20, 10, 15], [10, 20, 15]), "note"), []);
});
