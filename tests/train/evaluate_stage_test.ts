import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import {
  type EvaluatedGeneration,
  type EvaluatedPair,
  readEvaluation,
} from "../../src/report/evaluation.ts";
import { assertStageContract, datasetOf, tryStage } from "../../src/runner/testing.ts";
import { evaluate, model } from "../../stages/mod.ts";

const device = "cpu";
const init = {
  hiddenSize: 16,
  intermediateSize: 16,
  numHiddenLayers: 1,
  numAttentionHeads: 2,
  maxPositionEmbeddings: 64,
  initializerRange: 0.2,
};
const [BOS, EOS, USER, ASSISTANT] = [256, 257, 260, 261];
const bytes = (text: string): number[] => [...new TextEncoder().encode(text)];

const rows = ["red", "green", "blue", "grey", "pink"].map((colour, i) => ({
  id: `pair-${i}`,
  source: `colours.jsonl:${i + 1}`,
  promptIds: [BOS, USER, ...bytes(`Is it ${colour}?`), ASSISTANT],
  chosenIds: [...bytes("Yes, it is."), EOS],
  rejectedIds: [...bytes("no"), EOS],
}));
const pairs = () => datasetOf({ train: rows.slice(0, 1), eval: rows });

/** Two models of other seeds, and a way to evaluate one against the other. */
async function withModels(check: (base: string, trained: string) => Promise<void>): Promise<void> {
  await using base = await tryStage(model, { config: { init }, seed: "a" });
  await using trained = await tryStage(model, { config: { init }, seed: "b" });
  await check(base.outputs.model.dir, trained.outputs.model.dir);
}

Deno.test("evaluate: keeps the stage contract", async () => {
  await withModels(async (base, trained) => {
    await assertStageContract(evaluate, {
      device,
      config: { generations: 1, maxNewTokens: 3, bootstrapSamples: 100 },
      inputs: { base: { dir: base }, model: { dir: trained }, pairs: pairs() },
    });
  });
});

Deno.test("evaluate: figures of both models follow from the rows of pairs.jsonl", async () => {
  await withModels(async (base, trained) => {
    await using trial = await tryStage(evaluate, {
      device,
      config: { beta: 0.5, batchSize: 2, generations: 2, maxNewTokens: 4 },
      inputs: { base: { dir: base }, model: { dir: trained }, pairs: pairs() },
    });
    const { summary, generations, ...evaluation } = await readEvaluation(
      trial.outputs.evaluation.dir,
    );
    const scored = await Array.fromAsync(evaluation.pairs());
    assertEquals(scored.map(({ id }) => id), rows.map(({ id }) => id));
    assertEquals([summary.pairs, summary.objective.beta], [5, 0.5]);
    for (const when of ["before", "after"] as const) {
      const { metrics, intervals } = summary[when]!;
      const mean = (of: (pair: EvaluatedPair) => number) =>
        scored.reduce((sum, pair) => sum + of(pair), 0) / scored.length;
      const chosen = mean((pair) => pair[when]!.logpsChosen);
      const right = mean((p) => p[when]!.logpsChosen > p[when]!.logpsRejected ? 1 : 0);
      assertAlmostEquals(metrics["eval_logps/chosen"]!, chosen, 1e-9);
      assertAlmostEquals(metrics["eval_rewards/chosen"]!, 0.5 * chosen, 1e-9);
      assertEquals(metrics["eval_rewards/accuracies"], right);
      const { low, high } = intervals["eval_rewards/accuracies"]!;
      assert(low <= right && right <= high);
      assertAlmostEquals(metrics["eval_perplexity/chosen"]!, Math.exp(-chosen), 1e-9);
    }
    assert(summary.before!.digest !== summary.after.digest);
    assert(scored[0]!.before!.logpsChosen !== scored[0]!.after.logpsChosen);
    assertEquals(scored[2], {
      ...scored[2]!,
      prompt: "Is it blue?",
      chosen: "Yes, it is.",
      rejected: "no",
      chosenTokens: 12,
      rejectedTokens: 3,
    });
    assertEquals(generations.map(({ prompt, chosen }) => [prompt, chosen]), [
      ["Is it red?", "Yes, it is."],
      ["Is it blue?", "Yes, it is."],
    ]);
    for (const { before, after } of generations) assert(before !== after);
  });
});

Deno.test("evaluate: neither batches nor halves change what is found", async () => {
  await withModels(async (base, trained) => {
    const found = async (config: Record<string, unknown>) => {
      await using trial = await tryStage(evaluate, {
        device,
        config: { generations: 0, ...config },
        inputs: { base: { dir: base }, model: { dir: trained }, pairs: pairs() },
      });
      const { pairs: scored } = await readEvaluation(trial.outputs.evaluation.dir);
      return (await Array.fromAsync(scored())).map(({ after }) => after.logpsChosen);
    };
    const whole = await found({});
    const alone = await found({ batchTokens: 1 });
    const halves = await found({ quantization: "f16" });
    whole.forEach((logp, i) => {
      assertAlmostEquals(alone[i]!, logp, 1e-5);
      assertAlmostEquals(halves[i]!, logp, 1e-2);
    });
    assert(halves.some((logp, i) => logp !== whole[i]), "weights are rounded");
  });
});

Deno.test("evaluate: a model that is the pipeline's first one is evaluated once", async () => {
  await withModels(async (base) => {
    await using trial = await tryStage(evaluate, {
      device,
      config: { generations: 1, maxNewTokens: 2 },
      inputs: { base: { dir: base }, model: { dir: base }, pairs: pairs() },
    });
    const { summary, generations } = await readEvaluation(trial.outputs.evaluation.dir);
    assertEquals(
      [summary.before, summary.change, generations[0]!.before],
      Array(3).fill(undefined),
    );
  });
});

Deno.test("evaluate: asks the given prompts, as chats or as they are; equal seeds draw equally", async () => {
  await withModels(async (base, trained) => {
    const ask = async (template: string, seed: string): Promise<EvaluatedGeneration[]> => {
      await using trial = await tryStage(evaluate, {
        device,
        seed,
        config: {
          prompts: ["Hi", [{ role: "user", content: "Hi" }]],
          template,
          maxNewTokens: 8,
          temperature: 1,
          topK: 40,
        },
        inputs: { base: { dir: base }, model: { dir: trained }, pairs: pairs() },
      });
      return (await readEvaluation(trial.outputs.evaluation.dir)).generations;
    };
    const chats = await ask("model", "1");
    assertEquals(chats.map(({ prompt }) => prompt), ["Hi", "user: Hi"]);
    assertEquals(await ask("model", "1"), chats);
    assert((await ask("model", "2"))[0]!.after !== chats[0]!.after);
    await assertRejects(() => ask("unheard-of", "1"), OddsmithError, "unheard-of");
  });
});

Deno.test("evaluate: without held-out pairs it says what to raise", async () => {
  await withModels(async (base, trained) => {
    const error = await assertRejects(
      () =>
        tryStage(evaluate, {
          device,
          inputs: {
            base: { dir: base },
            model: { dir: trained },
            pairs: datasetOf({ train: rows }),
          },
        }),
      OddsmithError,
    );
    assertEquals(error.code, "NO_EVAL_PAIRS");
    assert(error.hint!.includes("evalFraction"));
  });
});

Deno.test("evaluate: leaves the three files and says how it went", async () => {
  await withModels(async (base, trained) => {
    await using trial = await tryStage(evaluate, {
      device,
      config: { generations: 0 },
      inputs: { base: { dir: base }, model: { dir: trained }, pairs: pairs() },
    });
    const { dir } = trial.outputs.evaluation;
    for (const file of ["summary.json", "pairs.jsonl", "generations.jsonl"]) {
      assert((await Deno.stat(join(dir, file))).isFile);
    }
    assert(trial.logs.some(({ message }) => message.startsWith("accuracy on 5 pairs: ")));
    assertEquals(trial.progress.at(-1), {
      unit: "pairs",
      done: 5,
      total: 5,
      note: "after training",
    });
  });
});
