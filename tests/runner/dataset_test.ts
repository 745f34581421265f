/** Data sets: rows in two splits through the store, as streams. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { type DatasetDraft, datasetType, type Split } from "../../src/runner/dataset.ts";
import { inScratch } from "../scratch.ts";

interface Row {
  id: number;
  text: string;
}

const rowsType = datasetType<Row, "rows">("rows", 1);

async function* everyThirdToEval(count: number, text: string): DatasetDraft<Row>["rows"] {
  for (let id = 0; id < count; id++) {
    yield { split: (id % 3 === 2 ? "eval" : "train") as Split, row: { id, text } };
  }
}

Deno.test("datasetType: rows come back in order, with counts and the statistics known at the end", async () => {
  await inScratch(async (dir) => {
    let seen = 0;
    const text = "line\nbreak \u2028 \u{1F600} \ud800";
    const rows = (async function* () {
      for await (const item of everyThirdToEval(7, text)) {
        seen++;
        yield item;
      }
    })();
    await rowsType.write({ rows, stats: () => ({ seen }) }, dir);
    const dataset = await rowsType.read(dir);
    assertEquals(dataset.counts, { train: 5, eval: 2 });
    assertEquals(dataset.stats, { seen: 7 });
    const ids = async (split: Split) =>
      (await Array.fromAsync(dataset.rows(split))).map((r) => r.id);
    assertEquals([await ids("train"), await ids("eval")], [[0, 1, 3, 4, 6], [2, 5]]);
    for await (const row of dataset.rows("train")) {
      assertEquals(row.text, text);
      break;
    }
  });
});

Deno.test("datasetType: no rows at all make two empty splits", async () => {
  await inScratch(async (dir) => {
    await rowsType.write({ rows: everyThirdToEval(0, "") }, dir);
    const dataset = await rowsType.read(dir);
    assertEquals([dataset.counts, dataset.stats], [{ train: 0, eval: 0 }, {}]);
    assertEquals(await Array.fromAsync(dataset.rows("train")), []);
  });
});

Deno.test("datasetType: a row broken by hand is named with its number", async () => {
  await inScratch(async (dir) => {
    await rowsType.write({ rows: everyThirdToEval(3, "x") }, dir);
    const path = join(dir, "train.jsonl");
    await Deno.writeTextFile(path, `{"id":0}\n{"id":`);
    const dataset = await rowsType.read(dir);
    const error = await assertRejects(() => Array.fromAsync(dataset.rows("train")), OddsmithError);
    assertEquals([error.code, error.location], ["DATASET_ROW", { file: path, row: 2 }]);
  });
});

Deno.test("datasetType: a failing source of rows fails the write and closes its files", async () => {
  await inScratch(async (dir) => {
    const rows = (async function* (): DatasetDraft<Row>["rows"] {
      yield* everyThirdToEval(3, "x");
      throw new Error("source is broken");
    })();
    await assertRejects(() => rowsType.write({ rows }, dir), Error, "source is broken");
  });
});

Deno.test("datasetType: 160 MB pass through a heap of 48 MB", async () => {
  await inScratch(async (dir) => {
    const module = new URL("../../src/runner/dataset.ts", import.meta.url);
    const script = join(dir, "flat.ts");
    await Deno.writeTextFile(
      script,
      `import { datasetType } from "${module}";
      const type = datasetType("rows", 1);
      const text = "x".repeat(2000);
      const rows = (async function* () {
        for (let id = 0; id < 80_000; id++) yield { split: "train", row: { id, text } };
      })();
      await Deno.mkdir("${dir}/set");
      await type.write({ rows }, "${dir}/set");
      let sum = 0;
      for await (const row of (await type.read("${dir}/set")).rows("train")) sum += row.id;
      console.log(sum, Deno.statSync("${dir}/set/train.jsonl").size);`,
    );
    const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
    const flags = ["--no-check", "--v8-flags=--max-old-space-size=48", "--config", config];
    const args = ["run", "-A", ...flags, script];
    const { stdout, code } = await new Deno.Command(Deno.execPath(), { args }).output();
    assertEquals(code, 0);
    const [sum, size] = new TextDecoder().decode(stdout).trim().split(" ").map(Number);
    assertEquals(sum, 80_000 * 79_999 / 2);
    assert(size! > 160_000_000);
  });
});
