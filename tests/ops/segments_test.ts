import { assert, assertEquals } from "@std/assert";
import { RANGE_SIZE, SegmentLayout, TILE_TOKENS } from "../../src/ops/attention/segments.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { type Lengths, type Sees, seesInPairs } from "./attention_reference.ts";

/** Checks a layout's ranges, both ways, against who sees whom. */
function assertSees({ ranges, tokens }: SegmentLayout, sees: Sees): void {
  for (let i = 0; i < tokens; i++) {
    const [promptStart, promptEnd, ownStart] = ranges.subarray(RANGE_SIZE * i);
    for (let j = 0; j < tokens; j++) {
      const inPrompt = j >= promptStart! && j < promptEnd!;
      const inOwn = j >= ownStart! && j <= i;
      assertEquals(inPrompt || inOwn, sees(i, j), `query ${i}, key ${j}`);
      const isSeen = i >= j && i < ranges[RANGE_SIZE * j + 3]!;
      if (sees(i, j)) assert(isSeen, `key ${j} is seen by query ${i}`);
    }
  }
  for (let j = 0; j < tokens; j++) {
    for (let i = j; i < ranges[RANGE_SIZE * j + 3]!; i++) {
      assert(sees(i, j), `query ${i} in the range of key ${j}`);
    }
  }
}

Deno.test("SegmentLayout: packed pairs see what they should, positions restart", () => {
  const pairs: Lengths[] = [[3, 2, 4], [0, 1, 2], [2, 1, 1], [1, 0, 2]];
  const layout = SegmentLayout.ofPairs(
    pairs.map(([prompt, chosen, rejected]) => ({ prompt, chosen, rejected })),
  );
  assertEquals(layout.tokens, 32, "the size class of 19");
  assertSees(layout, seesInPairs(pairs));
  assertEquals(
    [...layout.positions.subarray(0, 19)],
    [0, 1, 2, 3, 4, 3, 4, 5, 6, 0, 0, 1, 0, 1, 2, 2, 0, 1, 2],
  );
  assertEquals(layout.spans, [
    { start: 0, end: 9 },
    { start: 9, end: 12 },
    { start: 12, end: 16 },
    { start: 16, end: 19 },
  ]);
});

Deno.test("SegmentLayout: sequences and batches are causal", () => {
  const layout = SegmentLayout.ofSequences([2, 1, 3]);
  assertSees(layout, seesInPairs([[2, 0, 0], [1, 0, 0], [3, 0, 0]]));
  assertEquals([...layout.positions], [0, 1, 0, 0, 1, 2]);
  assertEquals(SegmentLayout.ofBatch(2, 3).ranges, SegmentLayout.ofSequences([3, 3]).ranges);
});

forEachBackend("SegmentLayout: ranges are uploaded once and freed", async () => {
  const before = tf.memory().numTensors;
  const layout = SegmentLayout.ofPairs([{ prompt: 30, chosen: 10, rejected: 5 }], 45);
  tf.tidy(() => void layout.deviceRanges());
  const first = layout.deviceRanges();
  assert(layout.deviceRanges() === first);
  const all = await readFloats(first.ranges);
  const own = RANGE_SIZE * layout.tokens;
  assertEquals([...all.subarray(0, own)], [...layout.ranges]);
  assertEquals(TILE_TOKENS, 32);
  // Tokens 0..31 see from 0 on and are seen to the end of the pair; 32..44 are answers.
  assertEquals([...all.subarray(own)], [0, 30, 0, 45, 0, 30, 30, 45]);
  assertEquals([...await readFloats(first.positions)], [...layout.positions]);
  layout.dispose();
  assertEquals(tf.memory().numTensors, before);
}, ["cpu", "webgpu"]);
