/** The names of tensors and metadata against those of llama.cpp's own Python package. */

import { assert, assertEquals } from "@std/assert";
import golden from "../golden/gguf_names.json" with { type: "json" };
import {
  GGUF_ARCHITECTURES,
  tensorFromGguf,
  tensorFromHf,
} from "../../src/models/gguf/architectures.ts";
import { makeChange, undoChange } from "../../src/models/gguf/changes.ts";

for (const arch of GGUF_ARCHITECTURES) {
  Deno.test(`GGUF_ARCHITECTURES: ${arch.name}'s tensors have gguf's names, both ways`, () => {
    const pairs = (golden.architectures as Record<string, string[][]>)[arch.name]!;
    for (const [hf, gguf] of pairs) {
      assertEquals(tensorFromHf(arch, hf!)?.gguf, gguf);
      assertEquals(tensorFromGguf(arch, gguf!)?.hf, hf);
    }
    const own = Object.keys(arch.tensors).length + Object.keys(arch.blockTensors).length;
    assert(own - pairs.length === (arch.name === "gemma2" ? 1 : 0), "a name has no golden");
    assertEquals(tensorFromHf(arch, "model.layers.3.unknown.weight"), undefined);
    assertEquals(tensorFromGguf(arch, "blk.3.constructor.weight"), undefined);
    assertEquals(tensorFromGguf(arch, "blk.3.attn_q"), undefined);
  });

  Deno.test(`GGUF_ARCHITECTURES: ${arch.name}'s metadata keys are ones gguf has`, () => {
    for (const { gguf } of arch.fields) assert(golden.keys.includes(`{arch}.${gguf}`), gguf);
  });
}

Deno.test("makeChange: rotary rows go from halves to pairs, the rows of each head", () => {
  // Two heads of four channels, one column: row numbers as values.
  const rows = Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7);
  const pairs = makeChange("rotary", rows, [8, 1], 2);
  assertEquals([...pairs], [0, 2, 1, 3, 4, 6, 5, 7]);
  assertEquals(undoChange("rotary", pairs, [8, 1], 2), rows);
});

for (const change of ["none", "rotary", "plusOne", "transposed"] as const) {
  Deno.test(`undoChange: ${change} is undone, in shapes that are not square`, () => {
    const values = Float32Array.from({ length: 12 * 5 }, (_, i) => i / 64);
    const made = makeChange(change, values, [12, 5], 3);
    const shape = change === "transposed" ? [5, 12] : [12, 5];
    assertEquals(undoChange(change, made, shape, 3), values);
    if (change === "transposed") assertEquals([...made.subarray(0, 3)], [0, 5 / 64, 10 / 64]);
  });
}
