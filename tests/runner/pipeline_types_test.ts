/** What does not compile in a typed pipeline, and what does. `deno check` is the judge. */

import { assertEquals } from "@std/assert";
import { definePipeline } from "../../src/runner/pipeline.ts";
import { batch, clean, compare, init, read, split, train } from "./fake_stages.ts";

Deno.test("definePipeline: collects the spec that a file would hold", () => {
  const pipeline = definePipeline("small", { seed: 7 })
    .stage(read, { with: { source: "rows.jsonl" } })
    .stage(clean)
    .stage(batch, { id: "batches" })
    .stage(init)
    .stage(train, { inputs: { batches: "batches.batches" }, with: { beta: 0.5 } });
  assertEquals(pipeline.spec, {
    name: "small",
    seed: 7,
    stages: [
      { uses: read, with: { source: "rows.jsonl" } },
      { uses: clean },
      { uses: batch, id: "batches" },
      { uses: init },
      { uses: train, inputs: { batches: "batches.batches" }, with: { beta: 0.5 } },
    ],
  });
});

Deno.test("definePipeline: is immutable, so a common start can be shared", () => {
  const start = definePipeline("shared").stage(init);
  start.stage(compare);
  assertEquals(start.spec.stages.length, 1);
});

Deno.test("definePipeline: an input whose kind nothing gives does not compile", () => {
  // @ts-expect-error clean takes raw-rows, which no earlier stage gives
  definePipeline("p").stage(clean);
  // @ts-expect-error train takes batches
  definePipeline("p").stage(init).stage(train, { with: { beta: 1 } });
  definePipeline("p").stage(init).stage(compare);
});

Deno.test("definePipeline: an unknown or ill-typed option does not compile", () => {
  const start = definePipeline("p");
  // @ts-expect-error no such option
  start.stage(read, { with: { source: "a", sorce: "b" } });
  // @ts-expect-error evalFraction is a number
  start.stage(read, { with: { source: "a", evalFraction: "0.1" } });
  const ready = start.stage(read, { with: { source: "a" } }).stage(clean).stage(batch).stage(init);
  // @ts-expect-error one of two words
  ready.stage(train, { with: { schedule: "cosin" } });
  // @ts-expect-error learningRate is a number
  ready.stage(train, { with: { optimizer: { learningRate: "fast" } } });
});

Deno.test("definePipeline: a required option left out does not compile", () => {
  // @ts-expect-error read needs source
  definePipeline("p").stage(read);
  // @ts-expect-error read needs source
  definePipeline("p").stage(read, { with: {} });
  // @ts-expect-error read needs source
  definePipeline("p").stage(read, { id: "rows" });
});

Deno.test("definePipeline: an unknown or ill-matched reference does not compile", () => {
  const rows = definePipeline("p").stage(read, { with: { source: "a" } }).stage(clean);
  rows.stage(batch, { inputs: { rows: "clean.rows" } });
  rows.stage(batch, { inputs: { rows: "clean" } });
  // @ts-expect-error no such stage
  rows.stage(batch, { inputs: { rows: "cleen.rows" } });
  // @ts-expect-error no such output
  rows.stage(batch, { inputs: { rows: "clean.row" } });
  // @ts-expect-error raw-rows are not clean-rows
  rows.stage(batch, { inputs: { rows: "read.rows" } });
  // @ts-expect-error no such input
  rows.stage(batch, { inputs: { row: "clean.rows" } });
});

Deno.test("definePipeline: an id used twice does not compile", () => {
  const start = definePipeline("p").stage(init);
  // @ts-expect-error the id "init" is taken
  start.stage(init);
  // @ts-expect-error the id "init" is taken
  start.stage(compare, { id: "init" });
  start.stage(init, { id: "other" }).stage(compare, { inputs: { before: "other.weights" } });
});

Deno.test("definePipeline: two outputs of a kind are both there to be named", () => {
  definePipeline("p").stage(read, { with: { source: "a" } }).stage(clean).stage(split)
    .stage(batch, { inputs: { rows: "split.right" } });
});
