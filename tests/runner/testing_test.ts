/** assertStageContract and tryStage: what they catch, each by a stage that breaks one rule. */

import { assertEquals, AssertionError, assertRejects } from "@std/assert";
import { z } from "zod";
import { type ArtifactType, optional, type Stage } from "../../src/runner/contract.ts";
import { type Dataset, type DatasetDraft, datasetType } from "../../src/runner/dataset.ts";
import { assertStageContract, datasetOf, tryStage } from "../../src/runner/testing.ts";

interface Row {
  id: string;
}

const rowsType: ArtifactType<Dataset<Row>, DatasetDraft<Row>, "rows"> = datasetType("rows", 1);
const noteType: ArtifactType<string, string, "note"> = {
  kind: "note",
  version: 1,
  write: async (text, dir) => await Deno.writeTextFile(`${dir}/note.txt`, text),
  read: async (dir) => await Deno.readTextFile(`${dir}/note.txt`),
};

const config = z.strictObject({
  prefix: z.string().default("row ").describe("What comes before the id."),
});

type Ports = { rows: typeof rowsType };
type GoodStage = Stage<Ports, Ports & { note: typeof noteType }, { prefix: string }>;

/** A stage that keeps every rule, with what a test changes of it. */
function goodStage(changes: Partial<GoodStage> = {}): GoodStage {
  return {
    apiVersion: 1,
    name: "good",
    version: "1",
    summary: "Puts a prefix before ids.",
    inputs: { rows: rowsType },
    outputs: { rows: rowsType, note: noteType },
    config,
    async run(ctx) {
      ctx.signal.throwIfAborted();
      const { rows, counts } = await ctx.inputs.rows.read();
      ctx.report({ unit: "rows", done: 1, total: 1 });
      ctx.record({ total: counts.train });
      async function* prefixed() {
        for await (const { id } of rows("train")) {
          yield { split: "train" as const, row: { id: ctx.config.prefix + id } };
        }
      }
      return { rows: { rows: prefixed() }, note: "done" };
    },
    ...changes,
  };
}

const example = { inputs: { rows: datasetOf<Row>({ train: [{ id: "a" }, { id: "b" }] }) } };

Deno.test("assertStageContract: passes a stage that keeps every rule", async () => {
  await assertStageContract(goodStage(), example);
});

/** A good stage whose run is followed by something more. */
function after(act: (...args: Parameters<GoodStage["run"]>) => unknown): Partial<GoodStage> {
  const { run } = goodStage();
  return {
    run: async (ctx) => {
      const values = await run(ctx);
      return { ...values, ...await act(ctx) as object };
    },
  };
}

let counter = 0;
const impureType: typeof noteType = { ...noteType, read: (dir) => spoil(dir) };
const lossyType: typeof noteType = { ...noteType, read: () => Promise.resolve("another text") };
const unreadableType: typeof noteType = {
  ...noteType,
  read: () => Promise.reject(new Error("cannot read that")),
};

async function spoil(dir: string): Promise<string> {
  await Deno.chmod(`${dir}/note.txt`, 0o644);
  await Deno.writeTextFile(`${dir}/note.txt`, "spoilt");
  return "done";
}

const BROKEN: readonly [what: string, changes: Partial<GoodStage>, says: string][] = [
  ["another apiVersion", { apiVersion: 2 }, "apiVersion is 2"],
  ["a name with capitals", { name: "Good" }, "lower-case"],
  ["a version without a number", { version: "new" }, 'version "new"'],
  ["no summary", { summary: "" }, '"summary" is not text'],
  [
    "a schema that lets unknown options through",
    { config: z.object({ prefix: z.string().default("").describe("x") }) },
    "accepts unknown options",
  ],
  [
    "an option without a description",
    { config: z.strictObject({ prefix: z.string().default("") }) },
    "options without a description: prefix",
  ],
  [
    "a schema that refuses what it resolves",
    {
      config: z.strictObject({
        prefix: z.literal("a").default("a").describe("x").transform(() => "b"),
      }),
    },
    "refuses the configuration that it resolved itself",
  ],
  [
    "a schema that refuses the example",
    { config: z.strictObject({ prefix: z.string().describe("x") }) },
    "refuses the case's options",
  ],
  ["a forgotten output", after(() => ({ note: undefined })), 'returned no "note"'],
  ["an undeclared output", after(() => ({ more: 1 })), 'undeclared "more"'],
  ["an output that differs", after(() => ({ note: String(counter++) })), "note.txt"],
  [
    "a changed input",
    after(async ({ inputs }) => {
      const path = `${inputs.rows.dir}/train.jsonl`;
      await Deno.chmod(path, 0o644);
      await Deno.writeTextFile(path, "");
    }),
    'changed its input "rows"',
  ],
  [
    "a changed configuration",
    after(({ config }) => Object.assign(config, { prefix: "other" })),
    "read only property",
  ],
  [
    "progress beyond its total",
    after(({ report }) => report({ unit: "rows", done: 3, total: 2 })),
    "3 of 2",
  ],
  ["a record JSON cannot hold", after(({ record }) => record({ share: NaN })), "record.share"],
  [
    "an output that cannot be read",
    { outputs: { rows: rowsType, note: unreadableType } },
    "cannot read that",
  ],
  [
    "an output that reads as another one",
    { outputs: { rows: rowsType, note: lossyType } },
    "other bytes when written once more",
  ],
  [
    "an output that reading changes",
    { outputs: { rows: rowsType, note: impureType } },
    "reading its output",
  ],
  [
    "an ignored interrupt",
    { run: () => Promise.resolve({ rows: { rows: noRows() }, note: "done" }) },
    "ignores an interrupt",
  ],
  [
    "an interrupt turned into another error",
    {
      run: (ctx) => ctx.signal.aborted ? Promise.reject(new Error("oh no")) : goodStage().run(ctx),
    },
    'it throws "oh no"',
  ],
];

async function* noRows(): AsyncGenerator<never> {}

for (const [what, changes, says] of BROKEN) {
  Deno.test(`assertStageContract: catches ${what}`, async () => {
    const stage = goodStage(changes);
    const check = () => assertStageContract(stage, example);
    const error = await assertRejects(check, AssertionError, says);
    assertEquals(error.message.startsWith(`stage "${stage.name}": `), true, error.message);
  });
}

Deno.test("assertStageContract: lets a stage differ each time where it says so", async () => {
  const stage = goodStage({ ...after(() => ({ note: String(counter++) })), cache: "never" });
  await assertStageContract(stage, example);
});

Deno.test("tryStage: gives what the stage made, and removes it when disposed", async () => {
  let dir = "";
  {
    await using trial = await tryStage(goodStage(), { ...example, config: { prefix: "x" } });
    dir = trial.outputs.note.dir;
    assertEquals(await trial.outputs.note.read(), "done");
    const rows = await Array.fromAsync((await trial.outputs.rows.read()).rows("train"));
    assertEquals(rows, [{ id: "xa" }, { id: "xb" }]);
    assertEquals(trial.record, { total: 2 });
    assertEquals(trial.artifacts.note!.files.map(({ path }) => path), ["note.txt"]);
  }
  assertEquals(await Deno.stat(dir).then(() => true, () => false), false);
});

Deno.test("tryStage: an optional input may be left out, a needed one may not", async () => {
  const { outputs } = goodStage();
  const stage: Stage<
    { rows: { type: typeof rowsType; optional: true; pick: "nearest" | "first" } },
    typeof outputs,
    { prefix: string }
  > = {
    ...goodStage(),
    inputs: { rows: optional(rowsType) },
    run: (ctx) => {
      assertEquals(ctx.inputs.rows, undefined);
      return Promise.resolve({ rows: { rows: noRows() }, note: "none" });
    },
  };
  await using trial = await tryStage(stage);
  assertEquals(await trial.outputs.note.read(), "none");
  // deno-lint-ignore no-explicit-any
  await assertRejects(() => tryStage(goodStage() as any), TypeError, 'its input "rows"');
});
