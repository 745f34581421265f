import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { tf } from "../../src/tensor/tf.ts";
import { scorePairs } from "../../src/train/evaluate_pairs.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { tinyLlama } from "./tiny_llama.ts";
import { tinyPairs } from "./tiny_model.ts";

forEachBackend("scorePairs: scores do not depend on what shares a batch", async () => {
  const model = tinyLlama("score");
  const held = tf.memory().numTensors;
  const pairs = tinyPairs(5, "score");
  const score = (batchSize: number) =>
    Array.fromAsync(scorePairs(model, pairs, { batchSize, nllScope: "all" }));
  const [alone, together] = [await score(1), await score(3)];
  assertEquals(together.map((s) => s.id), pairs.map((pair) => pair.id));
  for (const [i, a] of alone.entries()) {
    const b = together[i]!;
    assertAlmostEquals(a.logpsChosen, b.logpsChosen, 1e-5);
    assertAlmostEquals(a.logpsRejected, b.logpsRejected, 1e-5);
    assertAlmostEquals(a.nllSum, b.nllSum, 1e-4);
    assertEquals(a.nllTokens, pairs[i]!.promptIds.length + pairs[i]!.chosenIds.length - 1);
  }
  assertEquals(tf.memory().numTensors, held);
  model.dispose();
}, ["cpu", "wasm"]);

Deno.test("scorePairs: stops between batches, and refuses what the model cannot score", async () => {
  await openDevice("cpu");
  const model = tinyLlama("score");
  const stop = new AbortController();
  const options = { batchSize: 2, nllScope: "response", signal: stop.signal } as const;
  const seen: string[] = [];
  await assertRejects(
    async () => {
      for await (const { id } of scorePairs(model, tinyPairs(9, "score"), options)) {
        seen.push(id);
        if (seen.length === 2) stop.abort(new Error("enough"));
      }
    },
    Error,
    "enough",
  );
  assertEquals(seen.length, 2);
  const long = { id: "long", promptIds: [1], chosenIds: new Int32Array(70), rejectedIds: [2] };
  const error = await assertRejects(
    () => Array.fromAsync(scorePairs(model, [long], { batchSize: 1, nllScope: "all" })),
    OddsmithError,
  );
  assertEquals(error.code, "PAIR_TOO_LONG");
  model.dispose();
});
