/** Reads a PEFT adapter's adapter_config.json: what LoRA has, and nothing that goes beyond it. */

import { z } from "zod";
import { readJsonObject } from "../folder/files.ts";
import { badAdapterField, unsupportedAdapter } from "./errors.ts";
import type { LoraSettings } from "./settings.ts";

const rank = z.int().min(1);
const byPattern = <T extends z.ZodType>(value: T) =>
  z.record(z.string().refine(isPattern, "no regular expression"), value);

/** What PEFT calls them; null is as good as absent. */
const fields = z.looseObject({
  peft_type: z.string(),
  r: rank.nullish(),
  lora_alpha: z.number().nullish(),
  lora_dropout: z.number().min(0).lt(1).nullish(),
  use_rslora: z.boolean().nullish(),
  target_modules: z.union([
    z.string().refine(isPattern, "no regular expression"),
    z.array(z.string()),
  ]).nullish(),
  rank_pattern: byPattern(rank).nullish(),
  alpha_pattern: byPattern(z.number()).nullish(),
  base_model_name_or_path: z.string().nullish(),
  revision: z.string().nullish(),
});

/**
 * Reads the settings.
 *
 * @throws {OddsmithError} ModelError BAD_JSON; ADAPTER_CONFIG where a field is missing or wrong;
 * ADAPTER_UNSUPPORTED where the adapter does more than LoRA.
 */
export async function readAdapterConfig(file: string): Promise<LoraSettings> {
  const data = await readFields(file);
  refuseMore(file, data);
  return {
    r: data.r ?? 8,
    alpha: data.lora_alpha ?? 8,
    dropout: data.lora_dropout ?? 0,
    useRslora: data.use_rslora ?? false,
    targetModules: data.target_modules ?? [],
    rankPattern: data.rank_pattern ?? {},
    alphaPattern: data.alpha_pattern ?? {},
  };
}

/** The model that an adapter was trained beside, as its configuration names it. */
export interface AdapterBase {
  /** base_model_name_or_path: a folder, or a repository of the hub. */
  readonly name: string;
  /** Of a repository. */
  readonly revision?: string;
}

/**
 * Reads which model an adapter is of; undefined where its configuration does not say.
 *
 * @throws {OddsmithError} ModelError BAD_JSON, ADAPTER_CONFIG.
 */
export async function readAdapterBase(file: string): Promise<AdapterBase | undefined> {
  const { base_model_name_or_path: name, revision } = await readFields(file);
  return name ? { name, ...(revision ? { revision } : {}) } : undefined;
}

async function readFields(file: string): Promise<z.output<typeof fields>> {
  const json = await readJsonObject(file);
  const parsed = fields.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw badAdapterField(file, path.join(".") || ".", message);
  }
  return parsed.data;
}

/** Ways to begin that leave the base's weights as they are. */
const PLAIN_STARTS: readonly unknown[] = [true, false, "gaussian", "orthogonal", "eva"];

/** Fields by which an adapter does what is not done here. */
const REFUSED = [
  "use_dora",
  "lora_bias",
  "modules_to_save",
  "trainable_token_indices",
  "target_parameters",
  "layer_replication",
  "alora_invocation_tokens",
  "use_qalora",
  "use_bdlora",
  "ensure_weight_tying",
  "kasa_config",
  "monteclora_config",
] as const;

function refuseMore(file: string, json: Readonly<Record<string, unknown>>): void {
  if (json["peft_type"] !== "LORA") throw unsupportedAdapter(file, "peft_type", json["peft_type"]);
  for (const name of REFUSED) {
    const value = json[name] ?? false;
    if (value !== false && !(Array.isArray(value) && value.length === 0)) {
      throw unsupportedAdapter(file, name, value);
    }
  }
  const bias = json["bias"] ?? "none";
  if (bias !== "none") throw unsupportedAdapter(file, "bias", bias);
  const start = json["init_lora_weights"] ?? true;
  if (!PLAIN_STARTS.includes(start)) throw unsupportedAdapter(file, "init_lora_weights", start);
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
