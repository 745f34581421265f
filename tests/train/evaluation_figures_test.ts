import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { evaluationChange, evaluationFigures } from "../../src/train/evaluation_figures.ts";
import { heldOutPrompts } from "../../src/train/evaluation_prompts.ts";
import { PAIR_METRICS, pairScore } from "../../src/train/metrics.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";

const objective = { beta: 0.1, nllScope: "response", nllReduction: "token" } as const;
const score = (chosen: number, rejected: number, tokens = { chosen: 4, rejected: 2, nll: 4 }) =>
  pairScore("pair", { chosen, rejected, nll: chosen * tokens.nll }, tokens);

Deno.test("evaluationFigures: every metric with eval_, intervals around both accuracies", () => {
  const scores = [score(-1, -2), score(-1, -3), score(-2, -1), score(-0.5, -4)];
  const { metrics, intervals } = evaluationFigures(scores, objective, { seed: 1 });
  for (const name of PAIR_METRICS) assert(Number.isFinite(metrics[`eval_${name}`]), name);
  assertEquals(metrics["eval_rewards/accuracies"], 0.75);
  assertEquals(Object.keys(intervals), ["eval_rewards/accuracies", "eval_log_odds_accuracies"]);
  const { low, high } = intervals["eval_rewards/accuracies"]!;
  assert(low < 0.75 && 0.75 < high);
});

Deno.test("evaluationFigures: perplexity weighs by token, not by pair", () => {
  const scores = [
    score(-1, -3, { chosen: 1, rejected: 3, nll: 1 }),
    score(-2, -6, { chosen: 3, rejected: 1, nll: 3 }),
  ];
  const { metrics } = evaluationFigures(scores, objective, { seed: 1 });
  assertAlmostEquals(metrics["eval_perplexity/chosen"]!, Math.exp(7 / 4));
  assertAlmostEquals(metrics["eval_perplexity/rejected"]!, Math.exp(15 / 4));
});

Deno.test("evaluationChange: a change on every pair has an interval of no width", () => {
  const before = Array.from({ length: 20 }, (_, i) => i % 2 ? score(-2, -1) : score(-1, -2));
  const same = evaluationChange(before, before, { seed: 1 })["eval_rewards/accuracies"]!;
  assertEquals([same.mean, same.low, same.high], [0, 0, 0]);
  const after = before.map(() => score(-1, -2));
  const better = evaluationChange(before, after, { seed: 1 })["eval_rewards/accuracies"]!;
  assertEquals(better.mean, 0.5);
  assert(better.low > 0.2 && better.high < 0.8);
});

Deno.test("heldOutPrompts: takes prompts evenly spaced, with both answers beside them", async () => {
  const tokenizer = { decode: (ids: number[]) => ids.join(" ") } as unknown as Tokenizer;
  const pairs = (count: number) =>
    ReadableStream.from(Array.from({ length: count }, (_, i) => ({
      id: String(i),
      source: "",
      promptIds: [i],
      chosenIds: [i, 1],
      rejectedIds: [i, 0],
    })));
  const texts = async (total: number, count: number) =>
    (await heldOutPrompts(pairs(total), total, count, tokenizer)).map((prompt) => prompt.text);
  assertEquals(await texts(10, 4), ["0", "2", "5", "7"]);
  assertEquals(await texts(3, 8), ["0", "1", "2"]);
  assertEquals(await texts(3, 0), []);
  const [prompt] = await heldOutPrompts(pairs(1), 1, 1, tokenizer);
  assertEquals(prompt, { text: "0", ids: [0], chosen: "0 1", rejected: "0 0" });
});
