/** LongRoPE in company: how long a sequence is decides its rotation, not what it is computed with. */

import { assertEquals } from "@std/assert";
import { generate, generateBatch } from "../../src/models/generation/generate.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import { SegmentLayout } from "../../src/ops/attention/segments.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import golden from "../golden/architectures.json" with { type: "json" };
import { assertClose } from "../ops/check.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { type GoldenCase, withGoldenModel } from "./fixtures.ts";

const longRope = golden.cases["phi3, longrope on part of a head"] as unknown as GoldenCase;
/** original_max_position_embeddings is 16. */
const [long, short] = golden.sequences as [number[], number[]];

forEachBackend(
  "longrope: a text is the same alone and beside a longer one",
  () =>
    withGoldenModel(longRope, async (dir) => {
      const model = await loadCausalLM(dir);
      const options = { maxNewTokens: 4, eosTokenIds: [] };
      const texts = await generateBatch(model, [long, short], options);
      assertEquals(texts, [
        await generate(model, long, options),
        await generate(model, short, options),
      ]);
      model.dispose();
    }),
  ["wasm", "webgpu"],
);

forEachBackend(
  "longrope: a packed pair is as long as its longer answer",
  () =>
    withGoldenModel(longRope, async (dir) => {
      const model = await loadCausalLM(dir);
      const [prompt, answer] = [long.slice(0, 10), long.slice(10)];
      const pair = [...prompt, ...answer, ...answer.slice(0, 2)];
      const hidden = (ids: number[], layout: SegmentLayout) =>
        takeFloats(tf.tidy(() => model.hidden({ inputIds: Int32Array.from(ids), layout })));
      const layout = SegmentLayout.ofGroups(
        [{ prompt: 10, answers: [answer.length, 2] }],
        pair.length,
      );
      const packed = await hidden(pair, layout);
      const alone = await hidden(long, SegmentLayout.ofSequences([long.length]));
      const width = alone.length / long.length;
      assertClose("prompt and answer", packed.subarray(0, alone.length), alone, 1e-5);
      assertClose(
        "the shorter answer",
        packed.subarray(alone.length),
        alone.subarray(10 * width, 12 * width),
        1e-5,
      );
      model.dispose();
    }),
  ["wasm", "webgpu"],
);
