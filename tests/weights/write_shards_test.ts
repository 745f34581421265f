import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { INDEX_FILE, openWeights } from "../../src/weights/safetensors.ts";
import type { SafetensorsDtype } from "../../src/weights/write_safetensors.ts";
import { writeSafetensors } from "../../src/weights/write_safetensors.ts";
import { compareNames, planShards, writeShards } from "../../src/weights/write_shards.ts";
import { inScratch } from "../scratch.ts";

const tensor = (...numbers: number[]) => ({
  shape: [numbers.length],
  values: () => Float32Array.from(numbers),
});

Deno.test("planShards: cuts in order, never above the size but for a tensor that is larger itself", () => {
  const sizes = [["a", 6], ["b", 6], ["c", 2], ["d", 6], ["e", 2], ["f", 2]] as const;
  assertEquals(planShards(sizes, 10), [["a"], ["b", "c"], ["d", "e", "f"]]);
  assertEquals(planShards(sizes, 5), [["a"], ["b"], ["d"], ["c", "e"], ["f"]]);
  assertEquals(planShards(sizes, 100), [["a", "b", "c", "d", "e", "f"]]);
  assertEquals(planShards([], 10), [[]]);
});

Deno.test("compareNames: numbers by size, layers before words, a number behind a word by size", () => {
  const names = ["m.layers.10.w", "m.layers.9.w", "m.embed", "m.layers.9.fc10", "m.layers.9.fc2"];
  assertEquals(names.sort(compareNames), [
    "m.embed",
    "m.layers.9.fc2",
    "m.layers.9.fc10",
    "m.layers.9.w",
    "m.layers.10.w",
  ]);
  assert(compareNames("a.b", "a.b.c") < 0);
});

Deno.test("writeShards: shards, named and indexed, are read as one checkpoint", () =>
  inScratch(async (dir) => {
    const tensors = new Map([["b.2.w", tensor(1, 2)], ["b.10.w", tensor(3)], ["a", tensor(4, 5)]]);
    const files = await writeShards(dir, tensors, { dtype: "F32", maxShardSize: 12 });
    const [first, second] = [1, 2].map((n) => `model-0000${n}-of-00002.safetensors`);
    // Together a and b.2.w are 16 bytes.
    assertEquals(files, [first, second, INDEX_FILE]);
    assertEquals(JSON.parse(await Deno.readTextFile(join(dir, INDEX_FILE))), {
      metadata: { total_parameters: 5, total_size: 20 },
      weight_map: { a: first, "b.10.w": second, "b.2.w": second },
    });
    const weights = await openWeights(dir);
    for (const [name, { values }] of tensors) assertEquals(await weights.read(name), values());
  }));

Deno.test("writeShards: one file where all fits, without an index", () =>
  inScratch(async (dir) => {
    const tensors = new Map([["a", tensor(4, 5)]]);
    const files = await writeShards(dir, tensors, { dtype: "F32", maxShardSize: 8 });
    assertEquals(files, ["model.safetensors"]);
    assertEquals([...Deno.readDirSync(dir)].length, 1);
  }));

const half = 2 ** -11;
const CASES: [SafetensorsDtype, [given: number, written: number][]][] = [
  // One and a half units in the last place is even's; half a unit goes to the even one below.
  ["F16", [
    [1 + half, 1],
    [1 + 3 * half, 1 + 4 * half],
    [1 + half + 2 ** -23, 1 + 2 * half],
    [65_504, 65_504],
    [2 ** -25, 0],
    [3 * 2 ** -25, 2 ** -23],
    [-(2 ** -24), -(2 ** -24)],
  ]],
  ["BF16", [
    [1 + 2 ** -8, 1],
    [1 + 3 * 2 ** -8, 1 + 2 ** -6],
    [1 + 2 ** -8 + 2 ** -20, 1 + 2 ** -7],
    [3.3895313892515355e38, 3.3895313892515355e38],
  ]],
];

for (const [dtype, cases] of CASES) {
  Deno.test(`writeSafetensors: ${dtype} is rounded to the nearest, to even between two`, () =>
    inScratch(async (dir) => {
      const given = new Map([["w", tensor(...cases.map(([number]) => number))]]);
      await writeSafetensors(join(dir, "model.safetensors"), given, { dtype });
      const weights = await openWeights(dir);
      assertEquals(weights.tensors.get("w")!.dtype, dtype);
      assertEquals([...await weights.read("w")], cases.map(([, number]) => number));
    }));

  Deno.test(`writeSafetensors: what ${dtype} cannot hold is refused by the tensor's name`, () =>
    inScratch(async (dir) => {
      const largest = Math.max(...cases.map(([number]) => number));
      for (const number of [largest * 1.001, -Infinity, NaN]) {
        const tensors = new Map([["fine", tensor(1)], ["large", tensor(0, number)]]);
        const error = await assertRejects(
          () => writeSafetensors(join(dir, "model.safetensors"), tensors, { dtype }),
          OddsmithError,
        );
        assertEquals(error.code, "OUT_OF_RANGE");
        assert(error.message.includes(`"large" as ${dtype}`), error.message);
        assertEquals([...Deno.readDirSync(dir)], []);
      }
    }));
}
