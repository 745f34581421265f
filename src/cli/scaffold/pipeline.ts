/** The skeleton of a pipeline, in each of the three forms that pipelines are written in. */

import { importStatement, nameOf, type Specifiers, specifiersFor } from "./place.ts";

/** The forms of a pipeline. */
export const PIPELINE_FORMATS = ["yaml", "json", "ts"] as const;

/** A form of a pipeline. */
export type PipelineFormat = typeof PIPELINE_FORMATS[number];

/** What a new pipeline starts from. */
export interface PipelineInputs {
  /** A Hugging Face folder, from the pipeline's folder. */
  readonly model: string;
  /** A file of pairs, from the pipeline's folder. */
  readonly data: string;
}

/** Writes a pipeline from data to a report, for a file at an absolute path. */
export function pipelineSkeleton(
  path: string,
  format: PipelineFormat,
  inputs: PipelineInputs,
): string {
  const name = nameOf(path);
  switch (format) {
    case "yaml":
      return yamlText(name, inputs);
    case "json":
      return jsonText(name, inputs);
    case "ts":
      return typescriptText(name, inputs, specifiersFor(path));
  }
}

function yamlText(name: string, { model, data }: PipelineInputs): string {
  return `# yaml-language-server: $schema=./pipeline.schema.json
name: ${name}
seed: 42
device: auto # webgpu | wasm | cpu
stages:
  - uses: model
    with: { from: ${JSON.stringify(model)} }
  - uses: ingest
    with: { source: ${JSON.stringify(data)}, evalFraction: 0.1 }
  - uses: template
  - uses: tokenize
    with: { maxLength: 512 }
  - uses: orpo
    with: { beta: 0.1, learningRate: 5.0e-5, epochs: 1 }
  - uses: evaluate
  - uses: report
`;
}

function jsonText(name: string, { model, data }: PipelineInputs): string {
  const pipeline = {
    $schema: "./pipeline.schema.json",
    name,
    seed: 42,
    device: "auto",
    stages: [
      { uses: "model", with: { from: model } },
      { uses: "ingest", with: { source: data, evalFraction: 0.1 } },
      { uses: "template" },
      { uses: "tokenize", with: { maxLength: 512 } },
      { uses: "orpo", with: { beta: 0.1, learningRate: 5e-5, epochs: 1 } },
      { uses: "evaluate" },
      { uses: "report" },
    ],
  };
  return JSON.stringify(pipeline, null, 2) + "\n";
}

function typescriptText(
  name: string,
  { model, data }: PipelineInputs,
  { api, stages }: Specifiers,
): string {
  const names = ["evaluate", "ingest", "model", "orpo", "report", "template", "tokenize"];
  return `${importStatement(["definePipeline", "runMain"], api)}
${importStatement(names, stages)}

const pipeline = definePipeline("${name}", { seed: 42, device: "auto" })
  .stage(model, { with: { from: ${JSON.stringify(model)} } })
  .stage(ingest, { with: { source: ${JSON.stringify(data)}, evalFraction: 0.1 } })
  .stage(template)
  .stage(tokenize, { with: { maxLength: 512 } })
  .stage(orpo, { with: { beta: 0.1, learningRate: 5e-5, epochs: 1 } })
  .stage(evaluate)
  .stage(report);

export default pipeline;
if (import.meta.main) await runMain(import.meta, pipeline);
`;
}
