/** Which dataset type a row is of, told by its columns and what they hold. */

import { isObject } from "../messages.ts";
import { alpaca } from "./alpaca.ts";
import {
  conversational,
  conversationalImplicit,
  sharegpt,
  ultrafeedback,
} from "./conversational.ts";
import type { DatasetType } from "./dataset_type.ts";
import { type Fields, pickFields, type ResolvedColumns } from "./fields.ts";
import { standard, standardImplicit } from "./standard.ts";
import { looksLikeTranscript, transcript } from "./transcript.ts";

/** The dataset types by the names that the `type` option takes. */
export const DATASET_TYPES = {
  standard,
  "standard-implicit": standardImplicit,
  conversational,
  "conversational-implicit": conversationalImplicit,
  sharegpt,
  alpaca,
  transcript,
  ultrafeedback,
} as const satisfies Record<string, DatasetType>;

/** A dataset type's name. */
export type DatasetTypeName = keyof typeof DATASET_TYPES;

/** Names of a prompt column that mean a question to an assistant, not a text to go on with. */
const INSTRUCTION_NAMES: ReadonlySet<string> = new Set([
  "instruction",
  "question",
  "query",
  "input",
]);

/** The type of a row, or undefined where it is none. */
export function detectType(
  row: Record<string, unknown>,
  columns: ResolvedColumns,
): DatasetTypeName | undefined {
  const fields = pickFields(row, columns);
  const { prompt, chosen, rejected } = fields;
  if (chosen === undefined || rejected === undefined) return undefined;
  const texts = typeof chosen === "string" && typeof rejected === "string";
  const lists = Array.isArray(chosen) && Array.isArray(rejected);
  if (prompt === undefined) {
    if (texts) return looksLikeTranscript(chosen) ? "transcript" : "standard-implicit";
    return lists ? "conversational-implicit" : undefined;
  }
  if (Array.isArray(prompt)) {
    return isShareGpt(prompt, columns) ? "sharegpt" : "conversational";
  }
  if (typeof prompt !== "string") return undefined;
  if (texts) return detectTexts(fields, columns);
  return lists || isObject(chosen) ? "ultrafeedback" : undefined;
}

function isShareGpt(prompt: unknown[], columns: ResolvedColumns): boolean {
  const [turn] = prompt;
  return columns.prompt === "conversations" || (isObject(turn) && "from" in turn);
}

function detectTexts(fields: Fields, columns: ResolvedColumns): DatasetTypeName {
  const prompt = fields.prompt as string;
  if (looksLikeTranscript(prompt)) return "transcript";
  const instructs = INSTRUCTION_NAMES.has(columns.prompt!) || fields.system !== undefined ||
    fields.input !== undefined || fields.history !== undefined;
  return instructs ? "alpaca" : "standard";
}
