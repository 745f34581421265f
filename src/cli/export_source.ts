/** What `export` is told of a model by the run that made it: names, method, evaluation. */

import { basename, join, resolve } from "@std/path";
import type { JsonObject } from "../base/json.ts";
import { cardFacts, repositoryOf } from "../report/card_facts.ts";
import { type EvaluationSummary, readEvaluation } from "../report/evaluation.ts";
import { findArtifact, type RunRecord } from "../runner/run/runs.ts";
import type { ModelStory } from "../../stages/export_card.ts";
import type { FoundModel } from "./model_argument.ts";

/** Gives it; of a folder or a repository, its name. */
export async function modelStory({ dir, name, origin }: FoundModel): Promise<ModelStory> {
  if (name.startsWith("hf://")) {
    const base = { ...repositoryOf(name), isRepository: true, isDirect: true };
    return { name: basename(base.name), facts: { base } };
  }
  if (!origin) return { name: basename(resolve(dir)), facts: {} };
  const { run, ref, digest } = origin;
  const pipeline = JSON.parse(
    await Deno.readTextFile(join(run.dir, "pipeline.json")),
  ) as JsonObject;
  const records = Object.fromEntries(run.manifest.stages.map(({ id, facts }) => [id, facts]));
  return {
    name: run.manifest.pipeline,
    facts: cardFacts({ pipeline, records }, ref.split(".")[0]!),
    evaluation: await evaluationOf(run, digest),
  };
}

/** The run's last evaluation of the model with this digest. */
async function evaluationOf(
  run: RunRecord,
  digest: string,
): Promise<EvaluationSummary | undefined> {
  for (const stage of run.manifest.stages.toReversed()) {
    for (const [port, { type }] of Object.entries(stage.outputs)) {
      if (!type.startsWith("evaluation@")) continue;
      const { dir } = await findArtifact(run, `${stage.id}.${port}`);
      const { summary } = await readEvaluation(dir);
      if (summary.after.digest === digest) return summary;
    }
  }
  return undefined;
}
