import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import { greaterIsBetter, orpoOptions } from "../../src/train/options.ts";

Deno.test("orpoOptions: nothing said gives TRL's objective and safe defaults", () => {
  const options = orpoOptions.parse({});
  assertEquals(options.preset, "trl");
  assertEquals(options.nllScope, undefined);
  assertEquals([options.beta, options.epochs, options.maxGradNorm], [0.1, 1, 1]);
});

Deno.test("orpoOptions: says what is wrong, by option", () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ beta: -0.1 }, "beta"],
    [{ learningRate: 0 }, "learningRate"],
    [{ microBatchSize: 1.5 }, "microBatchSize"],
    [{ lrSchedulerType: "step" }, "lrSchedulerType"],
    [{ metricForBestModel: "eval_accuracy" }, "metricForBestModel"],
    [{ earlyStoppingPatience: 2 }, "earlyStoppingPatience"],
  ];
  for (const [given, option] of wrong) {
    const result = orpoOptions.safeParse(given);
    assertEquals(result.error?.issues.map((issue) => issue.path.join(".")), [option]);
  }
  assert(!orpoOptions.safeParse({ betta: 1 }).success);
  assert(orpoOptions.safeParse({ earlyStoppingPatience: 2, evalSteps: 5 }).success);
});

Deno.test("orpoOptions: every option has a description and, where none decides for it, a default", () => {
  const left = ["nllScope", "nllReduction", "lora", "gradientCheckpointing", "memoryBudget"];
  const schema = z.toJSONSchema(orpoOptions, { io: "input" });
  for (const [name, option] of Object.entries(schema.properties!)) {
    assert(typeof option === "object" && option.description, name);
    assert((option.default === undefined) === left.includes(name), name);
  }
});

Deno.test("orpoOptions: memoryBudget is an amount of memory", () => {
  assertEquals(orpoOptions.parse({ memoryBudget: "2 GiB" }).memoryBudget, 2 ** 31);
  assertEquals(orpoOptions.parse({ memoryBudget: 4096 }).memoryBudget, 4096);
  const result = orpoOptions.safeParse({ memoryBudget: "plenty" });
  assertEquals(result.error?.issues[0]?.message, 'expected an amount of memory, e.g. "4GiB"');
});

Deno.test("greaterIsBetter: losses and rejected answers go down, the rest goes up", () => {
  assertEquals(greaterIsBetter("eval_loss"), false);
  assertEquals(greaterIsBetter("eval_logps/rejected"), false);
  assertEquals(greaterIsBetter("eval_rewards/accuracies"), true);
  assertEquals(greaterIsBetter("eval_log_odds_chosen"), true);
});
