import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { WindowSampler } from "../../src/train/sampler.ts";

function take(sampler: WindowSampler, count: number): number[][] {
  return Array.from({ length: count }, () => {
    const window = sampler.window();
    sampler.advance();
    return window;
  });
}

Deno.test("WindowSampler: an epoch has every pair once, epochs differ, seeds repeat", () => {
  const windows = take(new WindowSampler(10, 4, true, "seed"), 6);
  assertEquals(windows.map((w) => w.length), [4, 4, 2, 4, 4, 2]);
  const [first, second] = [windows.slice(0, 3).flat(), windows.slice(3).flat()];
  const all = Array.from({ length: 10 }, (_, i) => i);
  assertEquals([...first].sort(), all);
  assertEquals([...second].sort(), all);
  assertNotEquals(first, second);
  assertEquals(windows, take(new WindowSampler(10, 4, true, "seed"), 6));
  assertNotEquals(windows, take(new WindowSampler(10, 4, true, "other"), 6));
});

Deno.test("WindowSampler: goes on from any position with the same windows", () => {
  const straight = take(new WindowSampler(7, 2, true, "seed"), 20);
  const sampler = new WindowSampler(7, 2, true, "seed");
  for (let done = 0; done < 12; done++) {
    const position = JSON.parse(JSON.stringify(sampler.position));
    const resumed = new WindowSampler(7, 2, true, position);
    assertEquals(take(resumed, 8), straight.slice(done, done + 8));
    sampler.advance();
  }
});

Deno.test("WindowSampler: shuffle false keeps the order, epochs counts fractions", () => {
  const sampler = new WindowSampler(4, 3, false, "seed");
  assertEquals(sampler.stepsPerEpoch, 2);
  assertEquals(take(sampler, 3), [[0, 1, 2], [3], [0, 1, 2]]);
  assert(Math.abs(sampler.epochs - 1.75) < 1e-12);
});
