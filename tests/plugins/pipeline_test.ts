/** Both plugins in a pipeline file, by path, on the demo's pairs. */

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Workplace } from "../cli/program.ts";

const at = (path: string) => fromFileUrl(new URL(`../../${path}`, import.meta.url));

Deno.test("plugins: stand between ingest and template, and say what they removed", async () => {
  await using place = await Workplace.make();
  const lines = (await Deno.readTextFile(at("pipelines/data/demo_pairs.jsonl"))).trimEnd();
  const [first] = lines.split("\n");
  const again = JSON.parse(first!);
  again.prompt = again.prompt.toUpperCase();
  const long = {
    ...again,
    prompt: "Another thing altogether.",
    chosen: `${again.chosen} `.repeat(9),
  };
  const extra = [again, long].map((row) => JSON.stringify(row)).join("\n");
  await Deno.writeTextFile(`${place.dir}/pairs.jsonl`, `${lines}\n${extra}\n`);
  const pipeline = {
    name: "plugins",
    stages: [
      { uses: "ingest", with: { source: "pairs.jsonl", evalFraction: 0 } },
      { uses: at("plugins/dedupe/mod.ts"), with: { threshold: 1 } },
      { uses: at("plugins/length_filter/mod.ts"), with: { maxRatio: 4 } },
    ],
  };
  await Deno.writeTextFile(`${place.dir}/plugins.json`, JSON.stringify(pipeline));
  const { code, stdout, stderr } = await place.run("run", "plugins.json", "--json");
  assertEquals(code, 0, stderr);
  const [ingest, dedupe, filter] = JSON.parse(stdout).stages;
  assertEquals(dedupe.facts.kept, ingest.facts.kept.train - 1);
  assertEquals(filter.facts.after.pairs, dedupe.facts.kept - 1);
});
