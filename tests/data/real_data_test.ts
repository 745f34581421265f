/**
 * Public preference sets, as they come. Counts were checked against the files by other means (see
 * the expectations' comments); rows themselves are never printed, some are harmful.
 */

import { assert, assertEquals } from "@std/assert";
import { basename, dirname } from "@std/path";
import { ingestAll, realDataTest } from "./support.ts";

interface Expected {
  type: string;
  rows: number;
  dropped?: Record<string, number>;
}

const SETS: Record<string, Expected> = {
  "preference/trl-zen/standard_preference.derived.jsonl": { type: "standard", rows: 19 },
  "preference/trl-zen/standard_implicit_prompt_preference.derived.jsonl": {
    type: "standard-implicit",
    rows: 19,
  },
  "preference/trl-zen/conversational_preference.derived.jsonl": {
    type: "conversational",
    rows: 19,
  },
  "preference/trl-zen/conversational_implicit_prompt_preference.derived.jsonl": {
    type: "conversational-implicit",
    rows: 19,
  },
  "preference/llamafactory/v1_dpo_demo.jsonl": { type: "conversational-implicit", rows: 10 },
  // The demo sets hold 5 and 11 rows twice, to the letter.
  "preference/llamafactory/dpo_en_demo.json": {
    type: "sharegpt",
    rows: 299,
    dropped: { duplicate: 5 },
  },
  "preference/llamafactory/dpo_zh_demo.json": {
    type: "sharegpt",
    rows: 300,
    dropped: { duplicate: 11 },
  },
  // 6 of the 1,100 rows have the same text as chosen and rejected.
  "preference/rasbt-llms-from-scratch/instruction-data-with-preference.json": {
    type: "alpaca",
    rows: 1100,
    dropped: { identicalAnswers: 6 },
  },
  // 4 of the 2,312 chosen transcripts end with "Assistant:" and nothing after it.
  "preference/hh-rlhf-harmless-base-test/test.jsonl.gz": {
    type: "transcript",
    rows: 2312,
    dropped: { emptyAnswer: 4 },
  },
  "parquet/hh_harmless_base_test.parquet-wasm.zstd.parquet": {
    type: "transcript",
    rows: 2312,
    dropped: { emptyAnswer: 4 },
  },
};

for (const [path, { type, rows, dropped = {} }] of Object.entries(SETS)) {
  realDataTest(`ingest: ${basename(path)} is ${type}, ${rows} rows`, path, async (file) => {
    const { tally } = await ingestAll(dirname(file), [{ path: basename(file) }], {
      evalFraction: 0.1,
    });
    const found = tally.toJson() as { dropped: Record<string, { rows: number }>; types: unknown };
    const left = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    assertEquals(tally.rows, rows);
    assertEquals(found.types, { [type]: rows });
    assertEquals(
      Object.fromEntries(Object.entries(found.dropped).map(([reason, { rows }]) => [reason, rows])),
      dropped,
    );
    assertEquals(tally.kept.train + tally.kept.eval, rows - left);
  });
}

const ZEN = "preference/trl-zen/";

realDataTest("ingest: trl-zen's implicit prompts are its explicit ones", ZEN, async (dir) => {
  const read = async (path: string) =>
    (await ingestAll(dir, [{ path: `${path}preference.derived.jsonl` }])).pairs
      .map(({ row }) => row);
  assertEquals(
    (await read("conversational_implicit_prompt_")).map(({ id }) => id),
    (await read("conversational_")).map(({ id }) => id),
  );
  const explicit = await read("standard_");
  const implicit = await read("standard_implicit_prompt_");
  const differing = explicit.flatMap(({ id }, at) => (id === implicit[at]!.id ? [] : [at + 1]));
  // There the answers share more words than the set's author took for the prompt.
  assertEquals(differing, [3, 4, 8, 10, 12, 17]);
  for (const [at, { prompt }] of explicit.entries()) {
    assert((implicit[at]!.prompt as string).startsWith(prompt as string), `row ${at + 1}`);
  }
});

realDataTest("ingest: trl-zen's unpaired sets are refused as such", ZEN, async (dir) => {
  for (const form of ["standard", "conversational"]) {
    const path = `${form}_unpaired_preference.derived.jsonl`;
    const error = await ingestAll(dir, [{ path }]).then(() => undefined, (error) => error);
    assertEquals(error?.code, "UNPAIRED");
  }
});

const HH = "preference/hh-rlhf-harmless-base-test/test.jsonl.gz";
const HH_PARQUET = "parquet/hh_harmless_base_test.parquet-wasm.zstd.parquet";

realDataTest("ingest: HH as jsonl.gz and as Parquet is the same data set", HH, async (file) => {
  const base = file.slice(0, -HH.length);
  const [lines, parquet] = await Promise.all(
    [HH, HH_PARQUET].map((path) => ingestAll(base, [{ path }], { evalFraction: 0.1 })),
  );
  const split = ({ split, row }: { split: string; row: { id: string } }) => `${split} ${row.id}`;
  assertEquals(parquet!.pairs.map(split), lines!.pairs.map(split));
});

realDataTest("ingest: HH conversations alternate and end as they should", HH, async (file) => {
  const { pairs } = await ingestAll(dirname(file), [{ path: basename(file) }]);
  for (const { row } of pairs) {
    assert(row.form === "conversational");
    for (const answer of [row.chosen, row.rejected]) {
      const roles = [...row.prompt, ...answer].map(({ role }) => role);
      assert(roles.every((role, at) => role === (at % 2 === 0 ? "user" : "assistant")), row.source);
    }
  }
});
