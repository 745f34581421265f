/**
 * A typed pipeline that runs by itself: a stage, an option or a connection that is wrong does not
 * compile. `deno run -A pipelines/quickstart.ts`, or `plan` and `validate` after it; it takes the
 * options of `run`.
 *
 * Needs: nothing but this repository.
 * Takes: data/demo_pairs.jsonl, without near duplicates: dedupe is a plugin.
 * Gives: a tiny model from a seed after 30 steps, evaluated on held-out pairs.
 */

import { definePipeline, runMain } from "../mod.ts";
import dedupe from "../plugins/dedupe/mod.ts";
import { evaluate, ingest, model, orpo, template, tokenize } from "../stages/mod.ts";

const pipeline = definePipeline("quickstart", { seed: 42 })
  .stage(model, { with: { init: { hiddenSize: 32, numHiddenLayers: 2, numAttentionHeads: 4 } } })
  .stage(ingest, { with: { source: "data/demo_pairs.jsonl", evalFraction: 0.1 } })
  .stage(dedupe, { with: { threshold: 0.9 } })
  .stage(template)
  .stage(tokenize, { with: { maxLength: 128 } })
  .stage(orpo, { with: { beta: 0.5, learningRate: 5e-3, maxSteps: 30, microBatchSize: 8 } })
  .stage(evaluate, { with: { generations: 2, maxNewTokens: 24 } });

export default pipeline;
if (import.meta.main) await runMain(import.meta, pipeline);
