/** What `export` is told of a model: by the run that made it, or by its adapter's configuration. */

import { basename, join, resolve } from "@std/path";
import type { JsonObject } from "../base/json.ts";
import { locate } from "../hub/location.ts";
import { readAdapterBase } from "../models/lora/config.ts";
import { ADAPTER_CONFIG } from "../models/lora/folder.ts";
import { type CardBase, cardFacts, repositoryOf } from "../report/card_facts.ts";
import { type EvaluationSummary, readEvaluation } from "../report/evaluation.ts";
import { findArtifact, readPipelineJson, type RunRecord } from "../runner/run/runs.ts";
import type { ModelStory } from "../../stages/export_card.ts";
import type { FoundModel } from "./found_model.ts";

/** Gives it; of a folder, a file or a repository, its name, and of an adapter its base. */
export async function modelStory(model: FoundModel): Promise<ModelStory> {
  const { name, origin, adapter } = model;
  const isHub = name.startsWith("hf://");
  if (adapter !== undefined) {
    const base = await adapterBase(adapter, model.base!.name);
    return { name: isHub ? basename(repositoryOf(name).name) : name, facts: { base } };
  }
  if (isHub) {
    const base = repositoryBase(name);
    return { name: basename(base.name), facts: { base } };
  }
  if (!origin) return { name, facts: {} };
  const { run, ref, digest } = origin;
  const pipeline = await readPipelineJson(run) as unknown as JsonObject;
  const records = Object.fromEntries(run.manifest.stages.map(({ id, facts }) => [id, facts]));
  return {
    name: run.manifest.pipeline,
    facts: cardFacts({ pipeline, records }, ref.split(".")[0]!),
    evaluation: await evaluationOf(run, digest),
  };
}

function repositoryBase(name: string): CardBase {
  return { ...repositoryOf(name), isRepository: true, isDirect: true };
}

/** As the hub calls it, where the base came from there or the adapter says so; else its own name. */
async function adapterBase(adapter: string, found: string): Promise<CardBase> {
  if (found.startsWith("hf://")) return repositoryBase(found);
  const named = await readAdapterBase(join(adapter, ADAPTER_CONFIG));
  const location = named && await locate(named.name, "model", (path) => resolve(adapter, path));
  return location?.kind === "hub"
    ? { ...named!, isRepository: true, isDirect: true }
    : { name: found, isRepository: false, isDirect: true };
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
