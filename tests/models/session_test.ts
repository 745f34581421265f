/** Sessions: a text that goes on from the one before is the text that a new start gives. */

import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { generate } from "../../src/models/generation/generate.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import { DecodingSession } from "../../src/models/generation/session.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { goldenCases, withGoldenModel } from "./fixtures.ts";

const golden = (await goldenCases()).get("grouped heads, tied")!;
const OPTIONS = { maxNewTokens: 12, eosTokenIds: [] };
const ids = (length: number, step: number) =>
  Array.from({ length }, (_, i) => 3 + (i * step + (i >> 3)) % 37);

forEachBackend(
  "DecodingSession: texts that go on, part ways or begin anew are those of a new start",
  () =>
    withGoldenModel(golden, async (dir) => {
      const model = await loadCausalLM(dir);
      const before = tf.memory().numTensors;
      const session = new DecodingSession(model, { roomTokens: 200 });
      const first = ids(20, 5);
      const answer = await session.generate(first, OPTIONS);
      const goesOn = [...first, ...answer.ids, ...ids(23, 7)];
      const parts = [...goesOn.slice(0, 40), ...ids(17, 11)];
      const expected = new Map([
        [first, 0],
        // The last token of an answer was never computed.
        [goesOn, 20 + 11],
        [parts, 40],
        [ids(30, 13), 0],
      ]);
      assertEquals(answer.cachedTokens, 0);
      for (const [prompt, cached] of [...expected].slice(1)) {
        const got = await session.generate(prompt, OPTIONS);
        assertEquals(got.cachedTokens, cached);
        assertEquals(got.ids, await generate(model, prompt, OPTIONS));
      }
      session.dispose();
      assertEquals(tf.memory().numTensors, before, "tensors left behind");
      model.dispose();
    }),
  ["wasm", "webgpu"],
);

forEachBackend(
  "DecodingSession: grows beyond its slots, and goes on after an abort",
  () =>
    withGoldenModel(golden, async (dir) => {
      const model = await loadCausalLM(dir);
      const before = tf.memory().numTensors;
      using session = new DecodingSession(model);
      await session.generate(ids(10, 5), OPTIONS);
      const long = ids(100, 5);
      assertEquals((await session.generate(long, OPTIONS)).cachedTokens, 0);
      const controller = new AbortController();
      const reason = new Error("stop");
      const heard: number[] = [];
      const run = session.generate(long, {
        ...OPTIONS,
        signal: controller.signal,
        onToken: (id) => {
          if (heard.push(id) === 3) controller.abort(reason);
        },
      });
      assertEquals(await run.catch((error) => error), reason);
      const again = await session.generate(long, OPTIONS);
      assertEquals(again.cachedTokens, 99);
      assertEquals(again.ids.slice(0, 3), heard);
      assertEquals(again.ids, await generate(model, long, OPTIONS));
      session.dispose();
      assertEquals(tf.memory().numTensors, before, "tensors left behind");
      model.dispose();
    }),
  ["wasm"],
);

forEachBackend(
  "DecodingSession: says why a text ended",
  () =>
    withGoldenModel(golden, async (dir) => {
      const model = await loadCausalLM(dir);
      using session = new DecodingSession(model);
      const prompt = ids(10, 5);
      const free = await session.generate(prompt, OPTIONS);
      assertEquals([free.end, free.ids.length], ["length", 12]);
      const eos = await session.generate(prompt, { ...OPTIONS, eosTokenIds: [free.ids[4]!] });
      assertEquals([eos.end, eos.ids.at(-1)], ["eos", free.ids[4]]);
      let count = 0;
      const onToken = () => ++count === 3;
      const stopped = await session.generate(prompt, { ...OPTIONS, onToken });
      assertEquals([stopped.end, stopped.ids], ["stop", free.ids.slice(0, 3)]);
      const penalty = await session.generate(prompt, { ...OPTIONS, repetitionPenalty: 4 });
      assertNotEquals(penalty.ids, free.ids);
      assert(penalty.ids.every((id) => !prompt.includes(id)), "a token of the prompt came back");
      const tooLong = () => session.generate(Array(256).fill(3), OPTIONS);
      assertEquals((await assertRejects(tooLong, OddsmithError)).code, "PROMPT_TOO_LONG");
      session.dispose();
      model.dispose();
    }),
  ["wasm"],
);
