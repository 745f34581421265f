/**
 * The options of ORPO training, with their defaults and checks. Names are those of TRL and of
 * transformers' TrainingArguments, camel-cased. No tensors here: loading this file is quick.
 */

import { z } from "zod";
import type { LoraOptions } from "../models/lora/settings.ts";
import type { Quantization } from "../models/weights.ts";
import { parseByteSize } from "../base/byte_size.ts";
import { PAIR_METRICS, type PairMetricName } from "./metrics.ts";
import { DEFAULT_BETA, type NllReduction, type NllScope, type OrpoPreset } from "./objective.ts";
import type { ScheduleType } from "./schedule.ts";

/** The name of an evaluation's figure, e.g. "eval_loss". */
export type EvalMetricName = `eval_${PairMetricName}`;

/** The options of ORPO training, resolved. A step is an optimizer step. */
export interface OrpoOptions {
  /** A known trainer whose NLL is followed. Default "trl". */
  preset: OrpoPreset;
  /** Weight of the odds-ratio term; 0 trains on the chosen answers alone. Default 0.1. */
  beta: number;
  /** What the NLL covers; absent: as the preset says. */
  nllScope?: NllScope;
  /** What the NLL is a mean over; absent: as the preset says. */
  nllReduction?: NllReduction;
  /** Highest learning rate. Default 5e-5. */
  learningRate: number;
  /** Shape of the learning rate after warmup. Default "cosine". */
  lrSchedulerType: ScheduleType;
  /** Fraction of all steps spent warming up, 0 to 1. Default 0.1. */
  warmupRatio: number;
  /** Steps of warmup; above 0 it wins over warmupRatio. Default 0. */
  warmupSteps: number;
  /** Decoupled weight decay of all weights but norms and biases. Default 0. */
  weightDecay: number;
  /** Decay of AdamW's first moment. Default 0.9. */
  adamBeta1: number;
  /** Decay of AdamW's second moment. Default 0.999. */
  adamBeta2: number;
  /** AdamW's epsilon. Default 1e-8. */
  adamEpsilon: number;
  /** Global norm gradients are clipped to; 0 does not clip. Default 1. */
  maxGradNorm: number;
  /** Passes over the pairs; fractions allowed. Default 1. */
  epochs: number;
  /** Steps to train, whatever epochs says; 0: as epochs says. Default 0. */
  maxSteps: number;
  /** Trains low-rank branches beside frozen weights; absent: all weights. */
  lora?: LoraTraining;
  /** How frozen weights are kept on the device; needs lora. Default "none": float32. */
  quantization: Quantization;
  /** Pairs a forward and backward pass, at most. Default 4. */
  microBatchSize: number;
  /** Tokens a forward and backward pass, at most; a shared prompt counts once. Default 4096. */
  microBatchTokens: number;
  /** Layers computed twice to save memory: all, none, or the first n. Default: as memoryBudget asks. */
  gradientCheckpointing?: boolean | number;
  /** Bytes of device memory the training may hold; absent: any. */
  memoryBudget?: number;
  /** A step trains on this many times `microBatchSize` pairs. Default 1. */
  gradientAccumulationSteps: number;
  /** Shuffles the pairs every epoch, by the seed. Default true. */
  shuffle: boolean;
  /** Steps whose figures are read back from the device together. Default 1. */
  loggingSteps: number;
  /** Steps between evaluations; 0: only before the first and after the last. Default 0. */
  evalSteps: number;
  /** Steps between checkpoints; 0: only when interrupted. Default 100. */
  saveSteps: number;
  /** Checkpoints kept. Default 2. */
  saveTotalLimit: number;
  /** Gives the weights of the best evaluation instead of the last. Default false. */
  loadBestModelAtEnd: boolean;
  /** What the best evaluation is judged by. Default "eval_loss". */
  metricForBestModel: EvalMetricName;
  /** Evaluations without gain after which training ends; 0: never. Default 0. */
  earlyStoppingPatience: number;
  /** How much better an evaluation must be to count as a gain. Default 0. */
  earlyStoppingThreshold: number;
}

/** How LoRA trains: new branches, or those of an adapter. */
export interface LoraTraining extends LoraOptions {
  /** Folder or repository of a PEFT adapter to go on from; it says all but the dropout itself. */
  readonly adapter?: string;
}

const EVAL_METRICS = PAIR_METRICS.map((name) => `eval_${name}` as const);
const count = (min: number) => z.int().min(min);

function toBytes(text: string | number, context: z.RefinementCtx): number {
  const bytes = parseByteSize(text);
  if (bytes !== undefined) return bytes;
  context.addIssue({ code: "custom", message: 'expected an amount of memory, e.g. "4GiB"' });
  return z.NEVER;
}

const SAID_BY_ADAPTER = ["r", "alpha", "targetModules", "useRslora"] as const;

const lora: z.ZodType<LoraTraining, LoraTraining> = z.strictObject({
  r: count(1).optional().describe("Rank of the branches. Default: 8"),
  alpha: z.number().positive().optional().describe(
    "Scale of the branches: they are multiplied with alpha / r. Default: 8",
  ),
  dropout: z.number().min(0).lt(1).optional().describe(
    "Share of a branch's input that is dropped in training. Default: 0, or the adapter's",
  ),
  targetModules: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional()
    .describe(
      'Modules by name or the end of it; "all-linear"; or a pattern of whole names. Default: ' +
        "PEFT's for the architecture, of a Llama q_proj and v_proj",
    ),
  useRslora: z.boolean().optional().describe(
    "Multiply with alpha / sqrt(r) instead. Default: false",
  ),
  adapter: z.string().min(1).optional().describe(
    "Folder of a PEFT adapter to go on from, or its repository of the hub; it says its own r, alpha, targetModules, useRslora",
  ),
}).superRefine((value, context) => {
  for (const name of SAID_BY_ADAPTER) {
    if (value.adapter === undefined || value[name] === undefined) continue;
    const message = `leave ${name} out: the adapter says its own`;
    context.addIssue({ code: "custom", path: [name], message });
  }
});

/** The options as a pipeline gives them. */
export type OrpoOptionsInput = Partial<Omit<OrpoOptions, "memoryBudget">> & {
  /** E.g. "4GiB", or bytes. */
  memoryBudget?: string | number;
};

/** Checks the options of ORPO training and fills in the defaults. */
export const orpoOptions: z.ZodType<OrpoOptions, OrpoOptionsInput> = z.strictObject({
  preset: z.enum(["trl", "official", "llamafactory", "paper"]).default("trl").describe(
    "Known trainer whose NLL is followed: trl and official cover prompt + chosen and pool tokens; " +
      "llamafactory and paper cover the chosen answer and average examples",
  ),
  beta: z.number().min(0).default(DEFAULT_BETA).describe(
    "Weight of the odds-ratio term (lambda in the paper); 0 is plain SFT on the chosen answers",
  ),
  nllScope: z.enum(["response", "all"]).optional().describe(
    "What the NLL covers: the chosen answer, or the prompt too; default: the preset's",
  ),
  nllReduction: z.enum(["token", "example"]).optional().describe(
    "What the NLL is a mean over, in a whole optimizer step; default: the preset's",
  ),
  learningRate: z.number().positive().default(5e-5).describe(
    "Highest learning rate; 5e-6 to 5e-5 suits billions of weights, 1e-3 suits under a million",
  ),
  lrSchedulerType: z.enum(["cosine", "linear", "inverse_sqrt", "constant"]).default("cosine")
    .describe("Shape of the learning rate after warmup, by transformers' formulas"),
  warmupRatio: z.number().min(0).max(1).default(0.1).describe(
    "Fraction of all optimizer steps in which the learning rate rises from 0",
  ),
  warmupSteps: count(0).default(0).describe(
    "Optimizer steps in which it rises from 0; above 0 it wins over warmupRatio",
  ),
  weightDecay: z.number().min(0).default(0).describe(
    "Decoupled weight decay of all weights but norms and biases",
  ),
  adamBeta1: z.number().min(0).lt(1).default(0.9).describe("Decay of AdamW's first moment"),
  adamBeta2: z.number().min(0).lt(1).default(0.999).describe("Decay of AdamW's second moment"),
  adamEpsilon: z.number().positive().default(1e-8).describe("AdamW's epsilon"),
  maxGradNorm: z.number().min(0).default(1).describe(
    "Global norm gradients are clipped to; 0 does not clip",
  ),
  epochs: z.number().positive().default(1).describe("Passes over the pairs; fractions allowed"),
  maxSteps: count(0).default(0).describe(
    "Optimizer steps to train, whatever epochs says; 0: as epochs says",
  ),
  lora: lora.optional().describe(
    "Train low-rank branches (LoRA) beside frozen weights, {} with PEFT's defaults. Default: train " +
      "all weights",
  ),
  quantization: z.enum(["none", "f16", "int8", "nf4"]).default("none").describe(
    "How frozen weights are kept on the device: float32, halves, or 8 or 4 bits with a scale for 64 " +
      "values (QLoRA); needs lora",
  ),
  microBatchSize: count(1).default(4).describe(
    "Pairs in one forward and backward pass, at most: lower it to save memory",
  ),
  microBatchTokens: count(1).default(4096).describe(
    "Tokens in one forward and backward pass, at most (a pair that has more goes alone); a prompt " +
      "counts once. Of this and microBatchSize, the one reached first ends a micro-batch",
  ),
  gradientCheckpointing: z.union([z.boolean(), count(0)]).optional().describe(
    "Compute layers a second time in the backward pass instead of keeping what they saved: true " +
      "all, false none, n the first n; the result is the same. Default: as many as memoryBudget asks",
  ),
  memoryBudget: z.union([z.string(), count(1)]).transform(toBytes).optional().describe(
    'Device memory the training may hold, e.g. "4GiB" (webgpu): layers are computed twice, then ' +
      "microBatchTokens halved, until it fits",
  ),
  gradientAccumulationSteps: count(1).default(1).describe(
    "An optimizer step trains on this times microBatchSize pairs, in as many micro-batches or, " +
      "where tokens run out first, more; the loss is normalised over all of them together",
  ),
  shuffle: z.boolean().default(true).describe("Shuffle the pairs every epoch, by the run's seed"),
  loggingSteps: count(1).default(1).describe(
    "Optimizer steps whose figures are read back together; every step has its row in the log",
  ),
  evalSteps: count(0).default(0).describe(
    "Optimizer steps between evaluations on the eval split; 0: only before and after training",
  ),
  saveSteps: count(0).default(100).describe(
    "Optimizer steps between checkpoints; 0: only when interrupted",
  ),
  saveTotalLimit: count(1).default(2).describe("Checkpoints kept, the newest ones"),
  loadBestModelAtEnd: z.boolean().default(false).describe(
    "Give the weights of the best evaluation instead of the last step's",
  ),
  metricForBestModel: z.enum(EVAL_METRICS).default("eval_loss").describe(
    "Figure the best evaluation is judged by; whether less is better follows from the figure",
  ),
  earlyStoppingPatience: count(0).default(0).describe(
    "Evaluations in a row without gain after which training ends; 0: never",
  ),
  earlyStoppingThreshold: z.number().min(0).default(0).describe(
    "How much better than the best an evaluation must be to count as a gain",
  ),
}).refine((options) => options.earlyStoppingPatience === 0 || options.evalSteps > 0, {
  path: ["earlyStoppingPatience"],
  error: "earlyStoppingPatience needs evaluations while training: set evalSteps above 0",
}).refine((options) => options.quantization === "none" || options.lora !== undefined, {
  path: ["quantization"],
  error: "quantization is of frozen weights: set lora, {} for its defaults",
});

const LOWER_IS_BETTER: ReadonlySet<EvalMetricName> = new Set([
  "eval_loss",
  "eval_nll_loss",
  "eval_delta",
  "eval_logps/rejected",
  "eval_rewards/rejected",
]);

/** Tells whether a higher value of a figure means a better model. */
export function greaterIsBetter(metric: EvalMetricName): boolean {
  return !LOWER_IS_BETTER.has(metric);
}
