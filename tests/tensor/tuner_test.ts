import { assert, assertEquals } from "@std/assert";
import { chooseVariant, MATMUL_VARIANTS } from "../../src/tensor/matmul_variants.ts";
import { matMulProblem, problemClass } from "../../src/tensor/matmul_problem.ts";
import { measureSpeeds, tuneFor } from "../../src/tensor/tuner.ts";
import { listTunings } from "../../src/tensor/tuning_file.ts";
import { currentTuning, useTuning } from "../../src/tensor/tuning.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "./backends.ts";
import { withCache } from "./tuning_cache.ts";

const SHAPES = [
  { rows: 1, inner: 64, columns: 64 },
  { rows: 65, inner: 64, columns: 65 },
  { rows: 64, inner: 64, columns: 64 },
];

const AT_LEISURE = { budgetMs: 60_000 };

forEachBackend("tuneFor: measures each class once, keeps it, reads it back", async (device) => {
  await withCache(async () => {
    const tensors = tf.memory().numTensors;
    const first = await tuneFor(SHAPES, AT_LEISURE);
    assertEquals(first.measured, ["small result", "few rows"]);
    assertEquals(tf.memory().numTensors, tensors);
    const found = currentTuning();
    for (const name of first.measured) {
      const speeds = found["matmul"]![name]!;
      assertEquals(Object.keys(speeds).sort(), MATMUL_VARIANTS.map(({ name }) => name).sort());
      assert(Object.values(speeds).every((speed) => speed > 0));
    }

    useTuning({});
    assertEquals((await tuneFor(SHAPES)).measured, []);
    assertEquals(currentTuning(), found);
    assertEquals((await tuneFor(SHAPES, { force: true, budgetMs: 0 })).measured, []);
    const [record, ...others] = await listTunings();
    assertEquals(others, []);
    assertEquals(record!.adapter, device.adapter);
    assertEquals(record!.tuning, currentTuning());
  });
}, ["webgpu"]);

forEachBackend("tuneFor: a damaged cache file is measured again", async () => {
  await withCache(async (dir) => {
    await tuneFor([SHAPES[0]!], AT_LEISURE);
    const [{ name }] = await Array.fromAsync(Deno.readDir(dir)) as [Deno.DirEntry];
    for (const damage of ["{", '{"version":1,"adapter":{},"tuning":{"matmul":{"a":1}}}']) {
      await Deno.writeTextFile(`${dir}/${name}`, damage);
      useTuning({});
      assertEquals(await listTunings(), []);
      assertEquals((await tuneFor([SHAPES[0]!], AT_LEISURE)).measured, ["few rows"]);
      assertEquals((await listTunings()).length, 1);
    }
  });
}, ["webgpu"]);

forEachBackend("tuneFor: a cache folder that cannot be made stops nothing", async () => {
  await withCache(async (dir) => {
    await Deno.writeTextFile(dir, "a file in the folder's place");
    assertEquals((await tuneFor([SHAPES[0]!], AT_LEISURE)).measured, ["few rows"]);
    await Deno.remove(dir);
    assertEquals(await listTunings(), []);
  });
}, ["webgpu"]);

forEachBackend("tuneFor: does nothing where there is nothing to choose", async () => {
  assertEquals((await tuneFor(SHAPES)).measured, []);
}, ["wasm", "cpu"]);

forEachBackend(
  "measureSpeeds: the slow one is slow, and none is begun when time is up",
  async () => {
    const candidate = (name: string, work: number, cost: number) => ({
      name,
      work,
      run: () => {
        const until = performance.now() + cost;
        while (performance.now() < until);
      },
    });
    const speeds = await measureSpeeds(
      [candidate("quick", 1, 1), candidate("slow", 1, 40), candidate("wide", 10, 1)],
      () => false,
    );
    assert(speeds["quick"]! > 3 * speeds["slow"]!);
    assert(speeds["wide"]! > 3 * speeds["quick"]!);
    assertEquals(await measureSpeeds([candidate("a", 1, 1)], () => true), {});
  },
  ["webgpu"],
);

forEachBackend("chooseVariant: takes what was measured as quickest, and no other", () => {
  const [x, weight] = [tf.ones<tf.Rank.R2>([64, 64]), tf.ones<tf.Rank.R2>([64, 64])];
  const problem = matMulProblem(x, weight, { transposeB: true });
  for (const { name } of MATMUL_VARIANTS) {
    useTuning({ matmul: { [problemClass(problem)]: { [name]: 1 } } });
    assertEquals(chooseVariant(problem).name, name);
  }
  useTuning({});
  tf.dispose([x, weight]);
}, ["webgpu"]);
