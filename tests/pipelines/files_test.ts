/** The pipeline files beside the documentation: each is valid, and says what it needs and gives. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { validatePipeline } from "../../src/runner/load/load.ts";
import { builtinStages } from "../../stages/mod.ts";

const folder = fromFileUrl(new URL("../../pipelines/", import.meta.url));
const files = Array.from(Deno.readDirSync(folder), (entry) => entry.name)
  .filter((name) => /\.(yaml|ts)$/.test(name));

/** Problems of a pipeline that come from models and data this repository does not hold. */
const OUTSIDE = new Set(["NO_MODEL", "NO_FILES", "SOURCE_MISSING"]);

for (const file of files) {
  Deno.test(`${file}: is a valid pipeline but for what it says it needs`, async () => {
    const { problems } = await validatePipeline(folder + file, { registry: builtinStages });
    assertEquals(problems.filter(({ code }) => !OUTSIDE.has(code)).map((p) => p.format()), []);
  });

  Deno.test(`${file}: its head says what it needs, takes and gives`, async () => {
    const text = await Deno.readTextFile(folder + file);
    for (const word of ["Needs:", "Takes:", "Gives:"]) {
      assertMatch(text, new RegExp(`^(#| \\*) ${word} `, "m"));
    }
  });
}

Deno.test("demo.yaml: needs nothing from outside", async () => {
  const { problems } = await validatePipeline(`${folder}demo.yaml`, { registry: builtinStages });
  assertEquals(problems, []);
  assert(files.includes("demo.yaml"));
});
