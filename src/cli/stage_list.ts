/** The built-in stages as lists: what they take and give, and what their options are. */

import type { Json, JsonObject } from "../base/json.ts";
import type { AnyStage } from "../runner/contract.ts";
import { optionsSchema } from "../runner/load/schema_options.ts";
import { portDemand } from "../runner/load/stage_contract.ts";
import { formatTable } from "./table.ts";

interface StagePort {
  readonly name: string;
  readonly kind: string;
  readonly optional?: boolean;
  readonly pick?: string;
}

/** What `ls stages` says of a stage. */
export interface StageDescription {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly inputs: readonly StagePort[];
  readonly outputs: readonly StagePort[];
  /** JSON Schema. */
  readonly options?: JsonObject | undefined;
}

/** Describes a stage by its declarations. */
export function describeStage(stage: AnyStage): StageDescription {
  const { name, version, summary } = stage;
  const declared: Record<string, Parameters<typeof portDemand>[0]> = stage.inputs;
  const inputs = Object.entries(declared).map(([port, input]): StagePort => {
    const { type, optional, pick } = portDemand(input);
    return { name: port, kind: type.kind, optional, pick };
  });
  const given: Record<string, { kind: string }> = stage.outputs;
  const outputs = Object.entries(given).map(([port, { kind }]): StagePort => ({
    name: port,
    kind,
  }));
  return { name, version, summary, inputs, outputs, options: optionsSchema(stage) };
}

/** Stages as a table: a row each. */
export function stagesTable(stages: readonly StageDescription[]): string {
  const rows = stages.map(({ name, inputs, outputs, summary }) => [
    name,
    portsText(inputs),
    portsText(outputs),
    summary,
  ]);
  return formatTable(["stage", "takes", "gives", "what it does"], rows);
}

/** One stage: its declarations, then a row an option, those inside others with a dotted name. */
export function stageText({ name, inputs, outputs, summary, options }: StageDescription): string {
  const head = formatTable(["stage", name], [
    ["does", summary],
    ["takes", portsText(inputs) || "nothing"],
    ["gives", portsText(outputs)],
  ]);
  const rows = options ? optionRows(options) : [];
  return `${head}\n${formatTable(["option", "value", "default", "what it is"], rows)}`;
}

function portsText(ports: readonly StagePort[]): string {
  return ports.map(({ name, kind, optional }) => `${name}${optional ? "?" : ""}: ${kind}`)
    .join(", ");
}

function optionRows(schema: JsonObject, within = ""): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const option = value as JsonObject;
    const fallback = option.default === undefined ? "" : JSON.stringify(option.default);
    const choices = Array.isArray(option.enum) ? ` (${option.enum.join(" | ")})` : "";
    const meaning = `${option.description ?? ""}${choices}`;
    const row = [within + name, valueText(option), fallback, meaning];
    return [row, ...optionRows(option, `${within}${name}.`)];
  });
}

/** What an option may be, in a few words. */
function valueText({ enum: choices, const: only, type, anyOf }: JsonObject): string {
  if (Array.isArray(choices)) return "choice";
  if (only !== undefined) return String(only);
  if (!Array.isArray(anyOf)) return String(type ?? "any");
  return [...new Set((anyOf as Json[]).map((one) => valueText(one as JsonObject)))].join(" | ");
}
