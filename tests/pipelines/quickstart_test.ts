/** pipelines/quickstart.ts: what README and docs/cli.md send a reader to. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Workplace } from "../cli/program.ts";

const QUICKSTART = fromFileUrl(new URL("../../pipelines/quickstart.ts", import.meta.url));

Deno.test("quickstart.ts: is a program that finds its data from any folder, plugin included", async () => {
  await using place = await Workplace.make();
  const plan = await place.program(QUICKSTART, "plan", "--seed", "7", "--json");
  assertEquals(plan.code, 0, plan.stderr);
  const rows: { stageId: string; reason: string }[] = JSON.parse(plan.stdout).stages;
  assertEquals(
    rows.map(({ stageId }) => stageId),
    ["model", "ingest", "dedupe", "template", "tokenize", "orpo", "evaluate"],
  );
  const ran = await place.program(QUICKSTART, "--until", "tokenize");
  assertEquals(ran.code, 0, ran.stderr);
  assertStringIncludes(ran.stderr, "stages 5 ran");
});
