/** What an export is told of its model: by the run that made it, and by its user. */

import program from "../deno.json" with { type: "json" };
import type { BaseModel } from "../src/models/export/adapter.ts";
import type { CardWriter, ExportSettings } from "../src/models/export/export_model.ts";
import type { CardBase, CardFacts } from "../src/report/card_facts.ts";
import type { EvaluationSummary } from "../src/report/evaluation.ts";
import { type ExportOptions, exportSettings } from "./export_options.ts";

/** What is known of a model that is to be exported. */
export interface ModelStory {
  /** Where no option names it. */
  readonly name: string;
  /** By the run; empty for a folder. */
  readonly facts: CardFacts;
  /** Of this very model. */
  readonly evaluation?: EvaluationSummary;
}

/** Gives an export's settings and its cards. */
export async function describeExport(
  options: ExportOptions,
  { name, facts, evaluation }: ModelStory,
): Promise<{ settings: ExportSettings; card: CardWriter }> {
  const { modelCard } = await import("../src/report/model_card.ts");
  const { ggufFileName } = await import("../src/models/export/export_model.ts");
  const base = chosenBase(options, facts);
  const settings = exportSettings(options, name, peftBase(base));
  const { license } = options;
  const card: CardWriter = (format, parts) =>
    modelCard({
      ...facts,
      ...(base ? { base } : {}),
      name: settings.name,
      format,
      parts,
      version: program.version,
      license,
      evaluation,
      files: format === "gguf"
        ? settings.ggufTypes.map((dtype) => ggufFileName(settings.name, dtype))
        : [],
    });
  return { settings, card };
}

/** What the user says goes before what the run knows. */
function chosenBase({ baseModel }: ExportOptions, { base }: CardFacts): CardBase | undefined {
  if (baseModel === undefined) return base;
  const [name, revision] = baseModel.split("@");
  return { name: name!, revision, isRepository: true, isDirect: true };
}

/** An adapter's configuration names the model it was trained beside, if the hub has that. */
function peftBase(base: CardBase | undefined): BaseModel | undefined {
  return base?.isRepository && base.isDirect
    ? { name: base.name, revision: base.revision }
    : undefined;
}
