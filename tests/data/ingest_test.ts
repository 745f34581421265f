/** The pass: split, duplicates, leakage, weights, limits, policies. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import type { SplitPair } from "../../src/data/ingest.ts";
import {
  ingestAll,
  jsonl,
  numberPair,
  tempDir,
  type TestOptions,
  type TestSource,
} from "./support.ts";

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => numberPair(from + index));

async function pass(
  files: Record<string, unknown[]>,
  options: TestOptions = {},
  sources: TestSource[] = [{ path: "a.jsonl" }],
) {
  await using dir = await tempDir(
    Object.fromEntries(Object.entries(files).map(([name, rows]) => [name, jsonl(rows)])),
  );
  return await ingestAll(dir.path, sources, options);
}

const idsOf = (pairs: SplitPair[], split: string) =>
  new Set(pairs.filter((pair) => pair.split === split).map(({ row }) => row.id));
const dropped = (tally: { toJson(): unknown }) => {
  const { dropped } = tally.toJson() as { dropped: Record<string, { rows: number }> };
  return Object.fromEntries(Object.entries(dropped).map(([reason, { rows }]) => [reason, rows]));
};

Deno.test("Ingest: holds out about the share asked for", async () => {
  const { tally } = await pass({ "a.jsonl": numbers(0, 2000) }, { evalFraction: 0.1 });
  assertEquals(tally.kept.train + tally.kept.eval, 2000);
  assert(Math.abs(tally.kept.eval - 200) < 40, `${tally.kept.eval}`);
});

Deno.test("Ingest: more data and another order leave every pair in its split", async () => {
  const few = await pass({ "a.jsonl": numbers(0, 200) }, { evalFraction: 0.2 });
  const many = await pass({ "a.jsonl": numbers(0, 600).reverse() }, { evalFraction: 0.2 });
  for (const split of ["train", "eval"]) {
    const all = idsOf(many.pairs, split);
    assert([...idsOf(few.pairs, split)].every((id) => all.has(id)));
  }
});

Deno.test("Ingest: a larger share holds out the same prompts and more", async () => {
  const less = await pass({ "a.jsonl": numbers(0, 300) }, { evalFraction: 0.1 });
  const more = await pass({ "a.jsonl": numbers(0, 300) }, { evalFraction: 0.3 });
  const all = idsOf(more.pairs, "eval");
  assert([...idsOf(less.pairs, "eval")].every((id) => all.has(id)));
});

Deno.test("Ingest: another salt holds out other prompts", async () => {
  const one = await pass({ "a.jsonl": numbers(0, 300) }, { evalFraction: 0.2 });
  const two = await pass({ "a.jsonl": numbers(0, 300) }, { evalFraction: 0.2, splitSalt: "b" });
  const first = idsOf(one.pairs, "eval");
  const shared = [...idsOf(two.pairs, "eval")].filter((id) => first.has(id)).length;
  assert(shared < first.size / 2, `${shared} of ${first.size}`);
});

Deno.test("Ingest: no prompt is in both splits, white space and case aside", async () => {
  const rows = numbers(0, 200).flatMap((row) => [
    row,
    { ...row, chosen: " more" },
    { ...row, prompt: `  ${row.prompt.toUpperCase()}\n`, chosen: " less" },
    { prompt: [{ role: "user", content: row.prompt }], chosen: "x", rejected: "y" },
  ]);
  const texts = rows.filter((row) => typeof row.prompt === "string");
  const turns = rows.filter((row) => typeof row.prompt !== "string");
  const { pairs } = await pass({ "a.jsonl": texts, "b.jsonl": turns }, { evalFraction: 0.3 }, [
    { path: "*.jsonl" },
  ]);
  assertEquals(pairs.length, 800);
  const splits = new Map<string, Set<string>>();
  for (const { split, row } of pairs) {
    const text = typeof row.prompt === "string" ? row.prompt : row.prompt[0]!.content;
    const prompt = text.trim().toLowerCase();
    splits.set(prompt, (splits.get(prompt) ?? new Set()).add(split));
  }
  assertEquals(splits.size, 200);
  assert([...splits.values()].every((found) => found.size === 1));
});

Deno.test("Ingest: pairs without a prompt are split by themselves", async () => {
  const rows = numbers(0, 300).map((_, n) => ({ chosen: `${n}a b`, rejected: `${n}c d` }));
  const { tally } = await pass({ "a.jsonl": rows }, { evalFraction: 0.2 });
  assertEquals(tally.emptyPrompts, 300);
  assert(tally.kept.eval > 30 && tally.kept.eval < 90, `${tally.kept.eval}`);
});

Deno.test("Ingest: a pair that is there again is left out, whatever its file", async () => {
  const files = { "a.jsonl": [...numbers(0, 3), numberPair(1)], "b.jsonl": numbers(2, 5) };
  const { pairs, tally } = await pass(files, {}, [{ path: "a.jsonl" }, { path: "b.jsonl" }]);
  assertEquals(pairs.length, 5);
  const { dropped, sources } = tally.toJson() as Record<string, unknown>;
  assertEquals(dropped, { duplicate: { rows: 2, first: ["a.jsonl row 4", "b.jsonl row 1"] } });
  assertEquals((sources as { kept: number }[]).map(({ kept }) => kept), [3, 2]);
});

Deno.test("Ingest: prompts of evalSources are left out of training", async () => {
  const files = {
    "a.jsonl": numbers(0, 10),
    "held.jsonl": [{ ...numberPair(3), chosen: " else" }, { ...numberPair(99), prompt: "7  AND" }],
  };
  const options = { evalSources: [{ path: "held.jsonl" }] };
  const { pairs, tally } = await pass(files, options);
  assertEquals(tally.kept, { train: 8, eval: 2 });
  assertEquals(dropped(tally), { leaked: 2 });
  assertEquals(pairs.slice(0, 2).map(({ split }) => split), ["eval", "eval"]);
  const kept = await pass(files, { ...options, onLeakage: "keep" });
  assertEquals(kept.tally.kept, { train: 10, eval: 2 });
  assertEquals(kept.tally.leaked, 2);
});

Deno.test("Ingest: a whole weight repeats training pairs under ids of their own", async () => {
  const { pairs, tally } = await pass({ "a.jsonl": numbers(0, 100) }, { evalFraction: 0.2 }, [
    { path: "a.jsonl", weight: 3 },
  ]);
  assertEquals(tally.kept.train % 3, 0);
  assertEquals(tally.kept.train / 3 + tally.kept.eval, 100);
  assertEquals(tally.repeats, (tally.kept.train / 3) * 2);
  assertEquals(new Set(pairs.map(({ row }) => row.id)).size, pairs.length);
});

Deno.test("Ingest: a broken weight takes its share by content, not by place", async () => {
  const half = [{ path: "a.jsonl", weight: 0.5 }];
  const one = await pass({ "a.jsonl": numbers(0, 1000) }, {}, half);
  const two = await pass({ "a.jsonl": numbers(500, 1500).reverse() }, {}, half);
  assert(Math.abs(one.pairs.length - 500) < 80, `${one.pairs.length}`);
  assertEquals(dropped(one.tally), { sampledOut: 1000 - one.pairs.length });
  const prompts = ({ pairs }: { pairs: SplitPair[] }) =>
    pairs.map(({ row }) => parseInt(row.prompt as string)).filter((n) => n >= 500 && n < 1000);
  assertEquals(prompts(two).reverse(), prompts(one));
  const more = await pass({ "a.jsonl": numbers(0, 1000) }, {}, [{ path: "a.jsonl", weight: 1.5 }]);
  assertEquals(more.tally.kept.train, 1000 + one.pairs.length);
});

Deno.test("Ingest: what one source's weight leaves out another may bring", async () => {
  const files = { "a.jsonl": numbers(0, 50), "b.jsonl": numbers(0, 50) };
  const { tally } = await pass(files, {}, [{ path: "a.jsonl", weight: 0.5 }, { path: "b.jsonl" }]);
  assertEquals(tally.kept.train, 50);
});

Deno.test("Ingest: limits stop reading, a source's and the whole", async () => {
  const files = { "a.jsonl": numbers(0, 50), "b.jsonl": numbers(50, 100) };
  const both = [{ path: "a.jsonl", limit: 10 }, { path: "b.jsonl" }];
  const { pairs, tally } = await pass(files, { limit: 25 }, both);
  assertEquals(pairs.map(({ row }) => parseInt(row.prompt as string)), [
    ...Array(10).keys(),
    ...Array.from({ length: 15 }, (_, index) => 50 + index),
  ]);
  assertEquals(tally.rows, 25);
});

Deno.test("Ingest: evalLimit leaves held-out pairs out of both splits", async () => {
  const options = { evalFraction: 0.5 };
  const all = await pass({ "a.jsonl": numbers(0, 100) }, options);
  const few = await pass({ "a.jsonl": numbers(0, 100) }, { ...options, evalLimit: 5 });
  assertEquals(few.tally.kept, { train: all.tally.kept.train, eval: 5 });
  assertEquals(dropped(few.tally), { overLimit: all.tally.kept.eval - 5 });
});

Deno.test("Ingest: columns and types are each source's own", async () => {
  const files = {
    "a.jsonl": [{ q: "1 and", a: " 2", b: " tea" }],
    "b.jsonl": [{ q: "2 and", a: " tea", b: " 3" }],
  };
  const { pairs } = await pass(files, {}, [
    { path: "a.jsonl", columns: { prompt: "q", chosen: "a", rejected: "b" } },
    { path: "b.jsonl", columns: { prompt: "q", chosen: "b", rejected: "a" }, type: "alpaca" },
  ]);
  assertEquals(pairs.map(({ row }) => row.form), ["standard", "conversational"]);
  assertEquals(pairs[1]!.row.chosen, [{ role: "assistant", content: " 3" }]);
});

Deno.test("Ingest: an id is of the content alone", async () => {
  const rows = numbers(0, 5);
  const one = await pass({ "a.jsonl": rows });
  const two = await pass({ "b.jsonl": rows.map((row) => ({ x: 1, ...row })) }, {}, [
    { path: "b.jsonl" },
  ]);
  assertEquals(one.pairs.map(({ row }) => row.id), two.pairs.map(({ row }) => row.id));
});

Deno.test("Ingest: under raise the first bad row is named and the others counted", async () => {
  const rows = [numberPair(1), { prompt: "x" }, numberPair(2), { ...numberPair(3), chosen: "" }];
  const error = await assertRejects(
    () => pass({ "a.jsonl": rows }, { onBadRow: "raise" }),
    OddsmithError,
  );
  assertEquals(error.code, "BAD_ROW");
  assertEquals(error.location, { file: "a.jsonl", row: 2 });
  assert(error.message.includes("1 more bad row"), error.message);
});

Deno.test("Ingest: duplicates are no bad rows", async () => {
  const rows = [numberPair(1), numberPair(1)];
  const { tally } = await pass({ "a.jsonl": rows }, { onBadRow: "raise" });
  assertEquals(tally.kept.train, 1);
});

Deno.test("Ingest: progress ends at all rows and bytes", async () => {
  const seen: { rows: number; bytes: number; totalBytes: number }[] = [];
  await pass({ "a.jsonl": numbers(0, 20) }, { onProgress: (progress) => seen.push(progress) });
  const last = seen.at(-1)!;
  assertEquals(last.rows, 20);
  assertEquals(last.bytes, last.totalBytes);
});

Deno.test("Ingest: statistics never hold a row's text", async () => {
  const rows = [
    { prompt: "SECRET and", chosen: " SECRET", rejected: " tea" },
    { prompt: "SECRET or", chosen: "SECRET", rejected: "SECRET" },
    { prompt: ["SECRET"], chosen: 1, rejected: "SECRET" },
  ];
  const { tally } = await pass({ "a.jsonl": rows });
  assert(!JSON.stringify(tally.toJson()).includes("SECRET"));
  const broken = await assertRejects(async () => {
    await using dir = await tempDir({ "a.jsonl": '{"prompt": SECRET}\n"SECRET\n' });
    await ingestAll(dir.path, [{ path: "a.jsonl" }]);
  }, OddsmithError);
  assert(!broken.format().includes("SECRET"), broken.format());
});
