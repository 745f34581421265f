/** plugins/length_filter: which pairs stay, and what it says of length bias. */

import { assertEquals, assertRejects } from "@std/assert";
import lengthFilter from "../../plugins/length_filter/mod.ts";
import { assertStageContract, datasetOf, tryStage } from "../../src/runner/testing.ts";
import { OddsmithError } from "../../mod.ts";
import { pairOf } from "./pairs.ts";

const words = (count: number) => Array.from({ length: count }, (_, at) => `w${at}`).join(" ");
const sized = (chosen: number, rejected: number) =>
  pairOf(`${chosen}/${rejected}`, { chosen: words(chosen), rejected: words(rejected) });

const PAIRS = datasetOf({
  train: [sized(4, 4), sized(9, 4), sized(8, 4), sized(4, 8), sized(4, 9), sized(0, 0)],
  eval: [sized(30, 1)],
});

type Options = NonNullable<Parameters<typeof tryStage<typeof lengthFilter>>[1]>["config"];

async function kept(config: Options): Promise<[train: string[], evaluation: string[]]> {
  await using trial = await tryStage(lengthFilter, { inputs: { pairs: PAIRS }, config });
  const pairs = await trial.outputs.pairs.read();
  const ids = async (split: "train" | "eval") =>
    (await Array.fromAsync(pairs.rows(split))).map(({ id }) => id);
  return [await ids("train"), await ids("eval")];
}

Deno.test("length_filter: keeps the stage contract", async () => {
  await assertStageContract(lengthFilter, { inputs: { pairs: PAIRS } });
});

Deno.test("length_filter: bounds the ratio both ways, in training pairs alone by default", async () => {
  assertEquals(await kept({}), [["4/4", "8/4", "4/8"], ["30/1"]]);
  assertEquals(await kept({ splits: "both" }), [["4/4", "8/4", "4/8"], []]);
  assertEquals((await kept({ maxRatio: 2.25 }))[0].length, 5);
  assertEquals((await kept({ minLength: 0 }))[0], ["4/4", "8/4", "4/8", "0/0"]);
});

Deno.test("length_filter: counts characters where asked, by code point", async () => {
  const pairs = datasetOf({ train: [pairOf("a", { chosen: "😀😀", rejected: "中" })] });
  const length = async (maxRatio: number) => {
    await using trial = await tryStage(lengthFilter, {
      inputs: { pairs },
      config: { unit: "characters", maxRatio },
    });
    return (await trial.outputs.pairs.read()).counts.train;
  };
  assertEquals(await length(2), 1);
  await assertRejects(() => length(1.9), OddsmithError, "none of 1 pairs");
});

Deno.test("length_filter: records how lengths were and are", async () => {
  await using trial = await tryStage(lengthFilter, { inputs: { pairs: PAIRS } });
  assertEquals(trial.record, {
    before: {
      pairs: 6,
      meanChosen: 4.8333,
      meanRejected: 4.8333,
      chosenLonger: 0.3333,
      rejectedLonger: 0.3333,
    },
    after: {
      pairs: 3,
      meanChosen: 5.3333,
      meanRejected: 5.3333,
      chosenLonger: 0.3333,
      rejectedLonger: 0.3333,
    },
  });
  const { stats } = await trial.outputs.pairs.read();
  assertEquals(stats.lengthFilter, trial.record);
});
