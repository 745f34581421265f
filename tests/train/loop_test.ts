import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { limitExceeded } from "../../src/tensor/errors.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import type { OrpoObjective } from "../../src/train/objective.ts";
import type { TrainRun } from "../../src/train/loop.ts";
import type { OrpoOptions } from "../../src/train/options.ts";
import { PairStore } from "../../src/train/pair_store.ts";
import { inScratch } from "../scratch.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { tinyLlama } from "./tiny_llama.ts";
import { steady, tinyModel, tinyPairs, trainTiny } from "./tiny_model.ts";
import { freeWindow, gradientsOf } from "./windows.ts";

Deno.test("trainOrpo: the loss falls, held-out accuracy rises, no tensor is left", async () => {
  const device = await openDevice("cpu");
  await inScratch(async (dir) => {
    const before = tf.memory().numTensors;
    const { result, rows } = await trainTiny(device, dir, { maxSteps: 40, evalSteps: 20 });
    assertEquals(tf.memory().numTensors, before);
    const train = rows.filter((row) => "loss" in row);
    const held = rows.filter((row) => "eval_loss" in row);
    assertEquals(train.map((row) => row.step), Array.from({ length: 40 }, (_, i) => i + 1));
    assertEquals(held.map((row) => row.step), [0, 20, 40]);
    assertLess(train.at(-1)!.loss as number, 0.7 * (train[0]!.loss as number));
    assertLess(held.at(-1)!["eval_loss"] as number, held[0]!["eval_loss"] as number);
    const { firstEval, lastEval, pairs, tokens, peakMemoryBytes } = result!.state;
    assert(lastEval!.metrics["rewards/accuracies"] > firstEval!.metrics["rewards/accuracies"]);
    // 22 pairs in windows of 4: 6 steps an epoch, the last with 2.
    assertEquals(pairs, 6 * 22 + 4 * 4);
    assert(tokens > 0 && peakMemoryBytes > 0);
    assertAlmostEquals(train.at(-1)!.epoch, 6 + 16 / 22, 1e-9);
  });
});

forEachBackend(
  "trainOrpo: a Llama stopped and resumed equals straight, bit for bit",
  async (device) => {
    await inScratch(async (dir) => {
      const given = { evalSteps: 3, maxSteps: 7 };
      await Deno.mkdir(`${dir}/straight`);
      await Deno.mkdir(`${dir}/stopped`);
      const train = (name: string, change: Parameters<typeof trainTiny>[3] = {}) =>
        trainTiny(device, `${dir}/${name}`, given, { model: tinyLlama("weights"), ...change });
      const straight = await train("straight");
      const stop = new AbortController();
      const stopped = await train("stopped", {
        signal: stop.signal,
        onRow: (row) => "loss" in row && row.step === 4 && stop.abort(new Error("stopped")),
      });
      assertEquals((stopped.error as Error).message, "stopped");
      assertEquals(stopped.rows.at(-1)!.step, 4);
      const resumed = await train("stopped");
      assertEquals(resumed.result?.resumedFrom, 4);
      assertEquals(steady(resumed.rows), steady(straight.rows));
      assertEquals(resumed.weights, straight.weights);
    });
  },
);

Deno.test("trainOrpo: after a crash goes on from the last checkpoint, rows not doubled", async () => {
  const device = await openDevice("cpu");
  await inScratch(async (dir) => {
    const given = { saveSteps: 3, evalSteps: 5, loadBestModelAtEnd: true };
    await Deno.mkdir(`${dir}/straight`);
    await Deno.mkdir(`${dir}/crashed`);
    const straight = await trainTiny(device, `${dir}/straight`, given);
    const crashed = await trainTiny(device, `${dir}/crashed`, given, {
      onRow: (row) => {
        if (row.step === 8) throw new Error("crash");
      },
    });
    assertEquals((crashed.error as Error).message, "crash");
    const resumed = await trainTiny(device, `${dir}/crashed`, given);
    assertEquals(resumed.result?.resumedFrom, 6);
    assertEquals(steady(resumed.rows), steady(straight.rows));
    assertEquals(resumed.weights, straight.weights);
  });
});

Deno.test("trainOrpo: a damaged checkpoint is removed with a warning, the one before taken", async () => {
  const device = await openDevice("cpu");
  await inScratch(async (dir) => {
    const given = { saveSteps: 4 };
    const straight = await trainTiny(device, dir, given);
    const file = `${dir}/checkpoint-00000012/optimizer/model.safetensors`;
    const bytes = await Deno.readFile(file);
    await Deno.writeFile(file, bytes.subarray(0, bytes.length - 5));
    await Deno.mkdir(`${dir}/checkpoint-00000013`);
    const resumed = await trainTiny(device, dir, given);
    assertEquals(resumed.warnings.length, 2);
    assert(resumed.warnings[1]!.includes("CHECKPOINT_INVALID"), resumed.warnings[1]);
    assert(resumed.warnings[1]!.includes("optimizer was changed"));
    assertEquals(resumed.result?.resumedFrom, 8);
    assertEquals(resumed.weights, straight.weights);
    assertEquals(steady(resumed.rows), steady(straight.rows));
  });
});

Deno.test("trainOrpo: keeps the newest checkpoints only", async () => {
  const device = await openDevice("cpu");
  await inScratch(async (dir) => {
    await trainTiny(device, dir, { saveSteps: 2, saveTotalLimit: 3 });
    const names = [...Deno.readDirSync(dir)].map((entry) => entry.name).sort();
    const kept = [8, 10, 12].map((step) => `checkpoint-${String(step).padStart(8, "0")}`);
    assertEquals(names, [...kept, "steps.jsonl"]);
  });
});

Deno.test("trainOrpo: rows do not depend on how many are read back at a time", async () => {
  const device = await openDevice("cpu");
  await inScratch(async (dir) => {
    await Deno.mkdir(`${dir}/one`);
    await Deno.mkdir(`${dir}/five`);
    const one = await trainTiny(device, `${dir}/one`, { loggingSteps: 1, evalSteps: 7 });
    const five = await trainTiny(device, `${dir}/five`, { loggingSteps: 5, evalSteps: 7 });
    assertEquals(steady(five.rows), steady(one.rows));
  });
});

Deno.test("trainOrpo: a loss that is not finite names step and pairs, and saves the batch", async () => {
  const device = await openDevice("cpu");
  await inScratch(async (dir) => {
    const model = tinyModel("weights");
    const poison = await readFloats(model.parameters.get("lm_head.weight")!);
    poison[3] = NaN;
    tf.tidy(() => model.parameters.get("lm_head.weight")!.assign(tf.tensor2d(poison, [24, 8])));
    const empty = await PairStore.load([], model.config);
    const { error } = await trainTiny(device, dir, { loggingSteps: 4 }, {
      model,
      evaluation: empty,
    });
    assert(error instanceof OddsmithError);
    assertEquals(error.code, "NON_FINITE");
    assert(error.message.includes("the loss of step 1") && /pair-\d+/.test(error.message));
    const saved = JSON.parse(await Deno.readTextFile(`${dir}/non-finite-step-1.json`));
    assertEquals(saved.step, 1);
    assertEquals(saved.pairs.length, 4);
    assert(saved.pairs[0].chosenIds.length > 0 && saved.sums.includes("NaN"));
    assertEquals([...Deno.readDirSync(dir)].filter((e) => e.name.startsWith("checkpoint")), []);
  });
});

Deno.test("trainOrpo: gives the best evaluation's weights and stops early where asked", async () => {
  const device = await openDevice("cpu");
  await inScratch(async (dir) => {
    await Deno.mkdir(`${dir}/long`);
    await Deno.mkdir(`${dir}/short`);
    // Far too high a rate: held-out loss gets worse after its best.
    const given = {
      learningRate: 0.3,
      lrSchedulerType: "constant",
      warmupRatio: 0,
      evalSteps: 1,
      maxSteps: 30,
    } as const;
    const asked = { ...given, loadBestModelAtEnd: true, earlyStoppingPatience: 3 };
    const { result, rows, weights } = await trainTiny(device, `${dir}/long`, asked);
    const losses = rows.filter((row) => "eval_loss" in row).map((row) => row.eval_loss as number);
    const best = losses.indexOf(Math.min(...losses));
    assert(best > 0);
    assertEquals(result!.state.stoppedEarly, true);
    assertEquals(result!.state.step, best + 3);
    assertEquals(result!.modelStep, best);
    assertEquals(result!.state.best, { step: best, value: losses[best]! });
    const short = await trainTiny(device, `${dir}/short`, {
      ...given,
      maxSteps: Math.max(best, 1),
    });
    if (best > 0) assertEquals(weights, short.weights);
  });
});

Deno.test("trainOrpo: no pairs, or none held out where they are needed, is an error", async () => {
  const device = await openDevice("cpu");
  await inScratch(async (dir) => {
    const empty = await PairStore.load([], { vocabSize: 24, maxPositionEmbeddings: 64 });
    const code = async (given: Partial<OrpoOptions>, change: Partial<TrainRun>) =>
      ((await trainTiny(device, dir, given, change)).error as OddsmithError).code;
    assertEquals(await code({}, { train: empty }), "NO_PAIRS");
    assertEquals(await code({ loadBestModelAtEnd: true }, { evaluation: empty }), "NO_EVAL_PAIRS");
  });
});

forEachBackend("windowGradients: 4 micro-batches of 1 equal 1 of 4", async () => {
  const pairs = tinyPairs(4, "window");
  for (const nllReduction of ["token", "example"] as const) {
    const objective: OrpoObjective = { beta: 0.7, nllScope: "all", nllReduction };
    const model = tinyModel("weights");
    const whole = await gradientsOf(model, pairs, { objective });
    const parts = await gradientsOf(model, pairs, { objective, pairs: 1 });
    assertEquals(parts.batches.length, 4);
    for (const [name, gradient] of whole.gradients) {
      const [a, b] = [await readFloats(gradient), await readFloats(parts.gradients.get(name)!)];
      const size = Math.max(...a.map(Math.abs));
      for (const [i, value] of a.entries()) assertAlmostEquals(b[i]!, value, 2e-6 * size);
    }
    freeWindow(whole);
    freeWindow(parts);
    model.dispose();
  }
});

Deno.test("trainOrpo: a batch beyond the device says which options to lower", async () => {
  const device = await openDevice("cpu");
  await inScratch(async (dir) => {
    const model = tinyModel("weights");
    const tooLarge = limitExceeded({
      what: "attention scores",
      shape: [1024, 1024],
      askedBytes: 2 ** 40,
      allowedBytes: 2 ** 30,
      option: "maxLength",
    });
    const failing = {
      ...model,
      hidden: () => {
        throw tooLarge;
      },
    };
    const { error } = await trainTiny(device, dir, {}, { model: failing });
    assert(error instanceof OddsmithError);
    assertEquals(error.code, "BATCH_TOO_LARGE");
    assert(error.message.includes("[1024, 1024]"));
    assert(/lower microBatchTokens .*maxLength/.test(error.hint!));
  });
});
