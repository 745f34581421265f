/** pipelines/demo.yaml, shortened: the demo's claims hold long before its last step. */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { loadPipeline, runPipeline } from "../../mod.ts";
import { readEvaluation } from "../../src/report/evaluation.ts";
import { builtinStages } from "../../stages/mod.ts";

const DEMO = fromFileUrl(new URL("../../pipelines/demo.yaml", import.meta.url));

Deno.test("demo.yaml: learns the preference in forty steps and draws its page", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const pipeline = await loadPipeline(DEMO, {
      registry: builtinStages,
      device: "wasm",
      overrides: [
        `runsDir=${JSON.stringify(join(dir, "runs"))}`,
        `stages.report.with.output=${JSON.stringify(join(dir, "page.html"))}`,
        "stages.orpo.with.maxSteps=40",
        "stages.orpo.with.evalSteps=0",
        "stages.evaluate.with.generations=2",
      ],
    });
    const signal = new AbortController().signal;
    const outcome = await runPipeline(pipeline, { sink: () => {}, signal });
    assertEquals(outcome.status, "done", outcome.error?.format());
    const { summary } = await readEvaluation(
      join(outcome.runDir, "stages", "evaluate", "evaluation"),
    );
    const accuracy = (model: { metrics: Record<string, number> }) =>
      model.metrics["eval_rewards/accuracies"]!;
    assert(Math.abs(accuracy(summary.before!) - 0.5) < 0.15);
    assertGreaterOrEqual(accuracy(summary.after), 0.9);
    assert(summary.change!["eval_rewards/accuracies"]!.low > 0.2);
    const page = await Deno.readTextFile(join(dir, "page.html"));
    assertEquals(page.match(/<section id="[a-z-]+"/g)!.length, 7);

    const ran: string[] = [];
    await runPipeline(pipeline, {
      sink: (event) => event.type === "stage-start" && ran.push(event.stageId),
      signal,
    });
    assertEquals(ran, ["report"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
