import { assert, assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { type DemoPair, makeDemoPairs } from "../../pipelines/data/make_demo_pairs.ts";

const file = new URL("../../pipelines/data/demo_pairs.jsonl", import.meta.url);
const text = await Deno.readTextFile(file);
const rows: DemoPair[] = text.trimEnd().split("\n").map((line) => JSON.parse(line));

Deno.test("makeDemoPairs: makes the committed file", () => {
  assertEquals(rows, makeDemoPairs());
});

Deno.test("demo_pairs.jsonl: at least 300 different questions in a dozen tasks", () => {
  assertGreaterOrEqual(rows.length, 300);
  assertEquals(new Set(rows.map((row) => row.prompt)).size, rows.length);
  assertGreaterOrEqual(new Set(rows.map((row) => row.task)).size, 12);
});

Deno.test("demo_pairs.jsonl: every row is short, plain ASCII and has two different answers", () => {
  for (const { prompt, chosen, rejected } of rows) {
    assert(/^[ -~]+$/.test(prompt + chosen + rejected), prompt);
    assert(chosen !== rejected && prompt && chosen && rejected, prompt);
    assertLessOrEqual(prompt.length + Math.max(chosen.length, rejected.length), 60, prompt);
  }
});

Deno.test("demo_pairs.jsonl: every fact is asked in six wordings", () => {
  const asked = new Map<string, number>();
  for (const { chosen } of rows) {
    const fact = chosen.replace(/^(Sure|Yes|Gladly|Happily)! /, "")
      .replace(/ (Enjoy|Cheers)!$/, "");
    asked.set(fact, (asked.get(fact) ?? 0) + 1);
  }
  for (const [fact, count] of asked) assertEquals(count, 6, fact);
});

Deno.test("demo_pairs.jsonl: no courteous phrase among the rejected, no rude one among the chosen", () => {
  const rude = /fool|lost|cares|Stop|dull|Ugh|Duh/;
  const courteous = /Sure!|Yes!|Gladly|Happily|Enjoy|Cheers/;
  for (const { chosen, rejected } of rows) {
    assert(!rude.test(chosen), chosen);
    assert(rude.test(rejected) && !courteous.test(rejected), rejected);
  }
});
