import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import type { JsonObject } from "../../src/base/json.ts";
import { OddsmithError } from "../../src/base/error.ts";
import { initModel } from "../../src/models/folder/init.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import { assertStageContract, datasetOf, tryStage } from "../../src/runner/testing.ts";
import type { TokenizedPair } from "../../src/text/pair.ts";
import orpo from "../../stages/orpo.ts";
import { TINY_CONFIG } from "./tiny_llama.ts";
import { tinyPairs } from "./tiny_model.ts";

const stored = (count: number, seed: string): TokenizedPair[] =>
  tinyPairs(count, seed).map((pair, i) => ({
    id: pair.id,
    source: `made:${i + 1}`,
    promptIds: Array.from(pair.promptIds),
    chosenIds: Array.from(pair.chosenIds),
    rejectedIds: Array.from(pair.rejectedIds),
  }));

function inputs(train: TokenizedPair[] = stored(9, "train")) {
  const ids = { bosTokenId: 1, eosTokenId: 2, padTokenId: 0 };
  return {
    model: (dir: string) => initModel(dir, { ...TINY_CONFIG, ...ids }, "seed"),
    pairs: datasetOf({ train, eval: stored(3, "eval") }),
  };
}

const CONFIG = { beta: 0.5, learningRate: 5e-3, epochs: 2, microBatchSize: 3, evalSteps: 2 };

Deno.test("orpo: keeps the stage contract", async () => {
  // The log holds times, so its bytes differ from run to run; the model's are compared below.
  const example = { inputs: inputs(), config: CONFIG, device: "cpu", deterministic: false };
  await assertStageContract(orpo, example);
});

Deno.test("orpo: equal runs give equal models; the log and the record say what was done", async () => {
  const options = { inputs: inputs(), config: CONFIG, device: "cpu" };
  await using first = await tryStage(orpo, options);
  await using second = await tryStage(orpo, { ...options, inputs: inputs() });
  assertEquals(first.artifacts.model!.digest, second.artifacts.model!.digest);

  const { dir } = await first.outputs.log.read();
  const lines = (await Deno.readTextFile(join(dir, "steps.jsonl"))).trim().split("\n");
  const rows: JsonObject[] = lines.map((line) => JSON.parse(line));
  assertEquals(rows.filter((row) => "loss" in row).map((row) => row.step), [1, 2, 3, 4, 5, 6]);
  assertEquals(rows.filter((row) => "eval_loss" in row).map((row) => row.step), [0, 2, 4, 6]);
  assertEquals(first.metrics.length, rows.length);
  const summary = JSON.parse(await Deno.readTextFile(join(dir, "summary.json")));
  assertEquals([summary.steps, summary.trainPairs, summary.evalPairs], [6, 9, 3]);
  assertEquals(summary.evalAfter.step, 6);
  assert(summary.sharedTokens > 0 && summary.sharedTokens < summary.tokensSeen);
  assert(summary.packingEfficiency > 0.5 && summary.packingEfficiency <= 1);
  assert(summary.evalAfter.metrics.loss < summary.evalBefore.metrics.loss);
  assertEquals(first.record.backend, "cpu");

  const trained = await loadCausalLM((await first.outputs.model.read()).dir);
  assertEquals(trained.parameters.size, 2 * 9 + 2);
  trained.dispose();
});

Deno.test("orpo: a profile asked for is in the record and the log, the model is the same", async () => {
  const options = { inputs: inputs(), config: CONFIG, device: "cpu" };
  await using plain = await tryStage(orpo, options);
  await using profiled = await tryStage(orpo, { ...options, inputs: inputs(), profile: true });
  assertEquals(profiled.artifacts.model!.digest, plain.artifacts.model!.digest);
  assertEquals(plain.record.profile, undefined);
  const profile = profiled.record.profile as JsonObject;
  assertEquals([profile.method, profile.firstStep, profile.steps], ["wall-clock", 3, 3]);
  const { dir } = await profiled.outputs.log.read();
  const summary = JSON.parse(await Deno.readTextFile(join(dir, "summary.json")));
  assertEquals(summary.profile, profile);
});

Deno.test("orpo: pairs of another vocabulary, and no pairs, are refused", async () => {
  const pair = stored(1, "train")[0]!;
  const foreign = [{ ...pair, rejectedIds: [5, 999] }];
  for (const [train, code] of [[foreign, "VOCAB_TOO_SMALL"], [[], "NO_PAIRS"]] as const) {
    const error = await assertRejects(
      () => tryStage(orpo, { inputs: inputs([...train]), config: CONFIG, device: "cpu" }),
      OddsmithError,
    );
    assertEquals(error.code, code);
  }
});
