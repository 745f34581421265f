import { assertEquals } from "@std/assert";
import { z } from "zod";
import type { Json, JsonObject } from "../../src/base/json.ts";
import type { AnyStage } from "../../src/runner/contract.ts";
import { validatePipeline } from "../../src/runner/load/load.ts";
import { pipelineSchema } from "../../src/runner/load/schema.ts";
import { fakeStages, init } from "./fake_stages.ts";
import { schemaFaults } from "./json_schema.ts";

const schema = pipelineSchema(fakeStages);
const good: JsonObject[] = [
  { uses: "read", with: { source: "deno.json" } },
  { uses: "clean", with: null },
  { uses: "batch", inputs: { rows: "clean.rows" } },
  { uses: "init", id: "base" },
  { uses: "train", with: { beta: 0.5, optimizer: { learningRate: 1e-4 } } },
];

/** The schema's faults, beside whether the loader takes the same pipeline. */
async function judge(spec: JsonObject): Promise<{ faults: string[]; loads: boolean }> {
  const { problems } = await validatePipeline(spec as never, { registry: fakeStages });
  return { faults: schemaFaults(spec, schema), loads: problems.length === 0 };
}

Deno.test("pipelineSchema: takes a pipeline that loads, plugins with any options too", async () => {
  const spec = { name: "p", seed: 3, device: "cpu", runsDir: "runs", stages: good };
  assertEquals(await judge(spec), { faults: [], loads: true });
  const plugins = ["./a.ts", "a.ts#b", "../a.js", "npm:x@1#y", "jsr:@a/b", "/abs/x.mts"]
    .map((uses) => ({ uses, with: { anything: [1] } }));
  assertEquals(schemaFaults({ $schema: "s", name: "p", stages: plugins }, schema), []);
});

Deno.test("pipelineSchema: refuses at the very place what the loader refuses", async () => {
  const stages = (...changed: [number, JsonObject][]) =>
    good.map((stage, index) => ({ ...stage, ...changed.find(([at]) => at === index)?.[1] }));
  const refused = async (change: JsonObject, ...faults: string[]) =>
    assertEquals(await judge({ name: "p", stages: good, ...change }), { faults, loads: false });
  await refused({ name: "a b" }, "/name");
  await refused({ seed: -1 }, "/seed");
  await refused({ seed: 1.5 }, "/seed");
  await refused({ device: "gpu" }, "/device");
  await refused({ sed: 1 }, "/sed");
  await refused({ stages: [] }, "/stages");
  await refused({ stages: stages([0, { with: { source: 1 } }]) }, "/stages/0/with/source");
  await refused(
    { stages: stages([0, { with: { sauce: "" } }]) },
    "/stages/0/with/source",
    "/stages/0/with/sauce",
  );
  await refused({ stages: [{ uses: "read" }] }, "/stages/0/with");
  await refused({ stages: stages([1, { uses: "cleen" }]) }, "/stages/1/uses");
  await refused({ stages: stages([2, { inputs: { row: "clean.rows" } }]) }, "/stages/2/inputs/row");
  await refused({ stages: stages([4, { with: { beta: 0 } }]) }, "/stages/4/with/beta");
  await refused({ stages: stages([4, { wiht: {} }]) }, "/stages/4/wiht");
  await refused({ stages: stages([3, { id: "a.b" }]) }, "/stages/3/id");
});

Deno.test("pipelineSchema: references inside a stage's schema still lead somewhere", () => {
  type Tree = { name: string; children?: Tree[] };
  const tree: z.ZodType<Tree> = z.strictObject({
    name: z.string(),
    get children() {
      return z.array(tree).optional();
    },
  });
  const stage: AnyStage = { ...init, name: "tree", config: z.strictObject({ root: tree }) };
  const nested = pipelineSchema(new Map([["tree", stage]]));
  const faults = (root: Json) =>
    schemaFaults({ name: "p", stages: [{ uses: "tree", with: { root } }] }, nested);
  assertEquals(faults({ name: "a", children: [{ name: "b", children: [] }] }), []);
  assertEquals(faults({ name: "a", children: [{ name: 3 }] }), [
    "/stages/0/with/root/children/0/name",
  ]);
});

Deno.test("pipelineSchema: a stage whose schema tells nothing takes any options", () => {
  const config = {
    "~standard": { version: 1, vendor: "x", validate: (value: unknown) => ({ value }) },
  };
  const silent = { ...init, name: "silent", config } as AnyStage;
  const unsayable = {
    ...init,
    name: "unsayable",
    config: z.object({ when: z.date() }),
  } as AnyStage;
  const free = pipelineSchema(new Map([["silent", silent], ["unsayable", unsayable]]));
  const stages = ["silent", "unsayable"].map((uses) => ({ uses, with: { anything: 1 } }));
  assertEquals(schemaFaults({ name: "p", stages }, free), []);
});

Deno.test("pipelineSchema: tells editors what each stage, input and option is", () => {
  const defs = schema.$defs as Record<string, JsonObject>;
  assertEquals(defs["options-train"]!.description, "Options of train. Trains.");
  const options = defs["options-train"]!.properties as Record<string, JsonObject>;
  assertEquals(options.beta, {
    type: "number",
    exclusiveMinimum: 0,
    default: 0.1,
    description: "Weight of the odds ratio.",
  });
  const undescribed = Object.entries(schema.properties as Record<string, JsonObject>)
    .filter(([key, { description }]) => key !== "name" && description === undefined);
  assertEquals(undescribed, []);
});
