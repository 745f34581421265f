/** Choosing tokens: against transformers' own processors, numbers by hand, and counted draws. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { Rng } from "../../src/base/rng.ts";
import { sampleToken, tokenChoices } from "../../src/models/generation/sample.ts";

interface Case {
  settings: Record<string, number>;
  past: number[];
  logits: number[];
  probabilities: number[];
}

const { cases }: { cases: Case[] } = JSON.parse(
  await Deno.readTextFile(new URL("../golden/sampling.json", import.meta.url)),
);

for (const { settings, past, logits, probabilities } of cases) {
  Deno.test(`tokenChoices: what transformers leaves, for ${JSON.stringify(settings)}`, () => {
    const options = {
      temperature: settings.temperature,
      topK: settings.top_k,
      topP: settings.top_p,
      minP: settings.min_p,
      repetitionPenalty: settings.repetition_penalty,
    };
    const choices = tokenChoices(Float32Array.from(logits), options, past);
    const all = Array<number>(logits.length).fill(0);
    choices.ids.forEach((id, at) => all[id] = choices.probabilities[at]!);
    // Theirs are computed in float32.
    probabilities.forEach((wanted, id) => {
      assertEquals(all[id] === 0, wanted === 0, `token ${id}`);
      assertAlmostEquals(all[id]!, wanted, 1e-6);
    });
  });
}

Deno.test("tokenChoices: the penalty counts a token once, and divides or multiplies by sign", () => {
  const logits = Float32Array.from([2, -2, 2, -2]);
  const { probabilities } = tokenChoices(logits, { temperature: 1, repetitionPenalty: 2 }, [
    0,
    0,
    1,
  ]);
  const weights = [Math.exp(1), Math.exp(-4), Math.exp(2), Math.exp(-2)];
  const sum = weights.reduce((a, b) => a + b);
  weights.forEach((weight, id) => assertAlmostEquals(probabilities[id]!, weight / sum, 1e-12));
  const greedy = tokenChoices(logits, { repetitionPenalty: 2 }, [0]);
  assertEquals(greedy, { ids: [2], probabilities: [1] });
});

Deno.test("tokenChoices: top-k keeps those as likely as the k-th", () => {
  const logits = Float32Array.from([1, 3, 1, 0]);
  assertEquals(tokenChoices(logits, { temperature: 1, topK: 2 }).ids, [0, 1, 2]);
  assertEquals(tokenChoices(logits, { temperature: 1, topK: 0 }).ids.length, 4);
  assertEquals(tokenChoices(logits, { temperature: 1, topK: 9 }).ids.length, 4);
});

Deno.test("tokenChoices: min-p is relative to the likeliest", () => {
  const logits = Float32Array.from([0.1, 0.2, 0.3, 0.4], Math.log);
  assertEquals(tokenChoices(logits, { temperature: 1, minP: 0.49 }).ids, [1, 2, 3]);
  assertEquals(tokenChoices(logits, { temperature: 1, minP: 0.51 }).ids, [2, 3]);
  assertEquals(tokenChoices(logits, { temperature: 1, minP: 1 }).ids, [3]);
});

Deno.test("tokenChoices: top-p finds the fewest tokens in a large vocabulary", () => {
  const size = 50_000;
  const logits = Float32Array.from({ length: size }, (_, id) => -((id * 7919) % size) / 500);
  const { ids } = tokenChoices(logits, { temperature: 1, topP: 0.9 });
  const sorted = logits.toSorted().reverse();
  const weights = Array.from(sorted, Math.exp);
  const sum = weights.reduce((a, b) => a + b);
  let mass = 0;
  const wanted = weights.findIndex((weight) => (mass += weight / sum) >= 0.9) + 1;
  assertEquals(ids.length, wanted);
  assertEquals(ids.map((id) => logits[id]), [...sorted.slice(0, wanted)]);
});

Deno.test("sampleToken: draws each token as often as its probability says", () => {
  const probabilities = [0.1, 0.2, 0.3, 0.4];
  const logits = Float32Array.from(probabilities, Math.log);
  const counts = draw(logits, { temperature: 1 });
  probabilities.forEach((p, id) => assert(Math.abs(counts[id]! / 10_000 - p) < 0.02));
});

Deno.test("sampleToken: temperature sharpens, topK and topP leave the unlikely out", () => {
  const logits = Float32Array.from([0.1, 0.2, 0.3, 0.4], Math.log);
  const sharp = draw(logits, { temperature: 0.5 });
  assert(Math.abs(sharp[3]! / 10_000 - 0.16 / 0.3) < 0.02);
  assertEquals(draw(logits, { temperature: 1, topK: 2 }).slice(0, 2), [0, 0]);
  assertEquals(draw(logits, { temperature: 1, topP: 0.69 }).slice(0, 2), [0, 0]);
  assert(draw(logits, { temperature: 1, topP: 0.71 })[1]! > 0);
  assertEquals(draw(logits, { temperature: 1, topP: 0.01 }), [0, 0, 0, 10_000]);
  assertEquals(draw(logits, {}), [0, 0, 0, 10_000]);
});

Deno.test("sampleToken: refuses logits that are not finite", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    const run = () => sampleToken(Float32Array.from([1, bad]), {}, Rng.fromSeed("any"));
    assertEquals(assertThrows(run, OddsmithError).code, "NON_FINITE");
  }
});

function draw(logits: Float32Array, options: Parameters<typeof sampleToken>[1]): number[] {
  const rng = Rng.fromSeed("draw");
  const counts = Array<number>(logits.length).fill(0);
  for (let i = 0; i < 10_000; i++) counts[sampleToken(logits, options, rng)]!++;
  return counts;
}
