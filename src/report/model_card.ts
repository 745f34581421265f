/**
 * The model card of an export: README.md with the hub's YAML front matter, what the model began as,
 * the data, the method, the figures before and after with their intervals, and how to load it. It
 * says only what is known, and names no place on the machine that made it.
 */

import { stringify } from "yaml";
import type { Json, JsonObject } from "../base/json.ts";
import type { CardFacts } from "./card_facts.ts";
import type { EvaluationSummary } from "./evaluation.ts";
import { formatCount, formatFigure } from "./format.ts";
import { HELD_OUT_METRICS } from "./held_out_metrics.ts";
import { loadingSection } from "./model_card_loading.ts";

/** What a card is of. */
export type CardFormat = "huggingface" | "adapter" | "gguf";

/** Files of one kind of numbers, as they were compared with the model. */
export interface CardPart {
  /** E.g. "bfloat16", "Q8_0". */
  readonly dtype: string;
  readonly tensors: number;
  readonly largestError: number;
}

/** What a card is made from. */
export interface ModelCardInput extends CardFacts {
  readonly name: string;
  readonly format: CardFormat;
  readonly parts: readonly CardPart[];
  /** Of this program. */
  readonly version: string;
  /** As the hub names licenses; absent where nobody said. */
  readonly license?: string;
  /** Of the exported model. */
  readonly evaluation?: EvaluationSummary;
  /** Names of the GGUF files. */
  readonly files?: readonly string[];
}

const LIBRARIES: Readonly<Record<CardFormat, string>> = {
  huggingface: "transformers",
  adapter: "peft",
  gguf: "gguf",
};

const ORPO = "[ORPO](https://arxiv.org/abs/2403.07691)";

/** Writes a card. */
export function modelCard(input: ModelCardInput): string {
  const sections = [
    `---\n${stringify(frontMatter(input))}---`,
    `# ${line(input.name)}`,
    introduction(input),
    `## Use\n\n${loadingSection(input)}`,
    input.data && `## Data\n\n${dataSection(input.data)}`,
    input.training && `## Method\n\n${methodSection(input)}`,
    input.training && `## Figures\n\n${figuresSection(input)}`,
    `## Numbers\n\n${numbersSection(input)}`,
  ];
  return sections.filter((section) => section !== undefined).join("\n\n") + "\n";
}

function frontMatter(input: ModelCardInput): JsonObject {
  const { base, data, format, license, training } = input;
  const tags = ["oddsmith"];
  if (training?.facts.objective !== undefined) tags.push("orpo", "preference-alignment");
  if (training?.options.lora != null) tags.push("lora");
  if (format === "gguf") tags.push("gguf");
  return {
    ...(base?.isRepository ? { base_model: base.name } : {}),
    ...(data && data.repositories.length > 0 ? { datasets: data.repositories } : {}),
    library_name: LIBRARIES[format],
    ...(license === undefined ? {} : { license }),
    pipeline_tag: "text-generation",
    tags,
  };
}

function introduction({ base, format, training, version, pipeline }: ModelCardInput): string {
  const from = base === undefined
    ? ""
    : `\`${line(base.name)}\`${base.revision ? ` at \`${base.revision}\`` : ""}`;
  const made = `Oddsmith ${version}`;
  if (!training) {
    return from === "" ? `Written by ${made}.` : `${from}, written by ${made}.`;
  }
  const what = format === "adapter" ? "A LoRA adapter" : "A model";
  const of = from === "" ? "" : format === "adapter" ? ` of ${from},` : ` that began as ${from},`;
  const by = pipeline === undefined ? "" : `, by the pipeline \`${line(pipeline)}\``;
  const how = training.facts.objective === undefined ? "" : ` by ${ORPO}`;
  return `${what}${of} trained on preference pairs${how} with ${made}${by}.`;
}

function dataSection({ sources, stages }: NonNullable<CardFacts["data"]>): string {
  const [ingested] = stages;
  const kept = ingested?.facts.kept as JsonObject | undefined;
  const types = Object.keys((ingested?.facts.types ?? {}) as JsonObject);
  const rows: Row[] = [
    ["sources", sources.join(", ")],
    ["type", types.join(", ")],
    ["pairs to train on", count(kept?.train)],
    ["pairs held out", count(kept?.eval)],
    ["steps of the pipeline", stages.map(({ name }) => name).join(", ")],
  ];
  for (const { facts } of stages) {
    if (typeof facts.template === "string") rows.push(["chat template", facts.template]);
    if (typeof facts.maxLength === "number") {
      rows.push(["longest pair", `${facts.maxLength} tokens`]);
    }
  }
  return table(["", ""], rows);
}

/** What the loss is, in a row each; the options follow it as they were resolved. */
function methodSection({ training, seed }: ModelCardInput): string {
  const { options, facts } = training!;
  const objective = (facts.objective ?? {}) as JsonObject;
  const rows: Row[] = [
    ...(facts.objective === undefined ? [] : objectiveRows(objective)),
    ["optimizer steps", count(facts.steps)],
    ["pairs seen", count(facts.pairsSeen)],
    ["weights trained", ofAll(facts.trainableParameters, facts.parameters)],
    ["seed", seed === undefined ? "" : String(seed)],
    ["device", text(facts.device)],
  ];
  const shown = Object.entries(options)
    .filter(([name]) => !(name in objective) && !HOUSEKEEPING.has(name))
    .flatMap(([name, value]) => optionRows(name, value));
  const tables = [table(["", ""], rows)];
  if (shown.length > 0) tables.push(table(["option", "value"], shown));
  return tables.join("\n\n");
}

function objectiveRows({ beta, nllScope, nllReduction }: JsonObject): Row[] {
  return [
    [
      "objective",
      "ORPO: NLL of the chosen answer less beta times log sigmoid of the log odds ratio",
    ],
    ["beta", figure(beta)],
    ["NLL over", nllScope === "all" ? "prompt and chosen answer" : "the chosen answer"],
    ["NLL is a mean over", nllReduction === "token" ? "tokens" : "examples"],
    ["optimizer", "AdamW, in float32"],
  ];
}

/** Options that change no weight. */
const HOUSEKEEPING: ReadonlySet<string> = new Set([
  "preset",
  "loggingSteps",
  "saveSteps",
  "saveTotalLimit",
  "memoryBudget",
  "gradientCheckpointing",
]);

function optionRows(name: string, value: Json): Row[] {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return [[`\`${name}\``, text(value)]];
  }
  // An adapter that training went on from is a place on some machine.
  return Object.entries(value).filter(([key]) => key !== "adapter")
    .flatMap(([key, inner]) => optionRows(`${name}.${key}`, inner));
}

function figuresSection({ evaluation, training }: ModelCardInput): string {
  if (evaluation) return evaluationTable(evaluation);
  const metricsOf = (key: string) =>
    ((training!.facts[key] ?? undefined) as JsonObject | undefined)?.metrics as
      | Record<string, number>
      | undefined;
  const [before, after] = [metricsOf("evalBefore"), metricsOf("evalAfter")];
  if (!after) return "The model was not evaluated on held-out pairs.";
  const rows = HELD_OUT_METRICS.filter(([name]) => after[name] !== undefined)
    .map(([name, meaning]): Row => [
      `\`${name}\``,
      formatFigure(before?.[name]),
      formatFigure(after[name]),
      meaning,
    ]);
  return `On held-out pairs, as training measured them.\n\n` +
    table(["metric", "before", "after", "meaning"], rows);
}

function evaluationTable({ pairs, before, after, change }: EvaluationSummary): string {
  const interval = (low: number, high: number) =>
    ` (${formatFigure(low)} to ${formatFigure(high)})`;
  const cellOf = (figures: EvaluationSummary["after"] | undefined, name: string) => {
    const range = figures?.intervals[name];
    return formatFigure(figures?.metrics[name]) + (range ? interval(range.low, range.high) : "");
  };
  const rows = HELD_OUT_METRICS.filter(([name]) => after.metrics[`eval_${name}`] !== undefined)
    .map(([name, meaning]): Row => {
      const key = `eval_${name}`;
      const difference = change?.[key];
      const changed = difference
        ? formatFigure(difference.mean) + interval(difference.low, difference.high)
        : "";
      return [`\`${name}\``, cellOf(before, key), cellOf(after, key), changed, meaning];
    });
  const level = Object.values(after.intervals)[0]?.level;
  const intervals = level === undefined
    ? ""
    : `; in brackets, ${+(100 * level).toFixed(2)}% bootstrap intervals`;
  return `On ${formatCount(pairs)} held-out pairs${intervals}.\n\n` +
    table(["metric", "before", "after", "change", "meaning"], rows);
}

function numbersSection({ parts }: ModelCardInput): string {
  const rows = parts.map(({ dtype, tensors, largestError }): Row => [
    dtype,
    count(tensors),
    largestError === 0 ? "none" : largestError.toExponential(2),
  ]);
  return "Each file was read back and every tensor compared with the trained model.\n\n" +
    table(["numbers", "tensors", "largest rounding"], rows);
}

type Row = readonly string[];

/** A table without the rows that have nothing to say. */
function table(head: Row, rows: readonly Row[]): string {
  const lines = rows.filter(([, value]) => value !== "").map((row) =>
    `| ${row.map(cell).join(" | ")} |`
  );
  return [`| ${head.join(" | ")} |`, `|${" --- |".repeat(head.length)}`, ...lines].join("\n");
}

function cell(value: string): string {
  return line(value).replaceAll("|", "\\|");
}

/** A name without what would end a line or begin markup. */
function line(value: string): string {
  return value.replace(/\s+/g, " ").replaceAll("<", "&lt;").trim();
}

function count(value: Json | undefined): string {
  return typeof value === "number" ? formatCount(value) : "";
}

function figure(value: Json | undefined): string {
  return typeof value === "number" ? String(value) : "";
}

function ofAll(some: Json | undefined, all: Json | undefined): string {
  if (typeof some !== "number" || typeof all !== "number") return "";
  return some === all ? `all ${count(all)}` : `${count(some)} of ${count(all)}`;
}

function text(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
