/**
 * What an evaluation leaves: summary.json, pairs.jsonl and generations.jsonl. The types are the
 * files' layout; the evaluate stage writes them, reports and comparisons read them here.
 */

import { join } from "@std/path";
import { readJson, readJsonLines, writeJsonLines } from "./json_lines.ts";

/** An interval of confidence around a mean. */
export interface FigureInterval {
  /** Lower end. */
  low: number;
  /** Upper end. */
  high: number;
  /** Coverage, e.g. 0.95. */
  level: number;
}

/** A model's figures on the held-out pairs. */
export interface ModelFigures {
  /** "stage.port" of the model. */
  ref: string;
  /** Content digest of the model folder. */
  digest: string;
  /** By TRL's names with `eval_` before them, and eval_perplexity/chosen and /rejected. */
  metrics: Record<string, number>;
  /** Of eval_rewards/accuracies and eval_log_odds_accuracies. */
  intervals: Record<string, FigureInterval>;
}

/** summary.json. */
export interface EvaluationSummary {
  /** Held-out pairs scored. */
  pairs: number;
  /** How the loss and the rewards were made. */
  objective: { beta: number; nllScope: string; nllReduction: string };
  /** The model training started from; absent where the evaluated model is that model. */
  before?: ModelFigures;
  /** The evaluated model. */
  after: ModelFigures;
  /** Mean of the differences per pair, after less before, and its interval, by metric name. */
  change?: Record<string, FigureInterval & { mean: number }>;
}

/** What is known of a pair under one model. */
export interface PairFigures {
  /** Mean log-probability of the chosen answer's tokens. */
  logpsChosen: number;
  /** Mean log-probability of the rejected answer's tokens. */
  logpsRejected: number;
  /** Log odds ratio of chosen over rejected. */
  logOdds: number;
}

/** A row of pairs.jsonl. */
export interface EvaluatedPair {
  /** The pair's id. */
  id: string;
  /** "file:row" the pair came from. */
  source: string;
  /** As people read it, without special tokens. */
  prompt: string;
  /** The answer preferred. */
  chosen: string;
  /** The answer not preferred. */
  rejected: string;
  /** Tokens of the chosen answer that were scored. */
  chosenTokens: number;
  /** Tokens of the rejected answer that were scored. */
  rejectedTokens: number;
  /** Under the model training started from. */
  before?: PairFigures;
  /** Under the evaluated model. */
  after: PairFigures;
}

/** A row of generations.jsonl: what the models write after a prompt. */
export interface EvaluatedGeneration {
  /** As people read it. */
  prompt: string;
  /** By the model training started from. */
  before?: string;
  /** By the evaluated model. */
  after: string;
  /** The data's own answers, where the prompt is a held-out pair's. */
  chosen?: string;
  /** The data's answer not preferred. */
  rejected?: string;
}

/** An evaluation, its pairs left on disk. */
export interface Evaluation {
  /** Its figures. */
  summary: EvaluationSummary;
  /** What the models wrote. */
  generations: EvaluatedGeneration[];
  /** Reads pairs.jsonl, in flat memory. */
  pairs(): AsyncIterable<EvaluatedPair>;
}

/**
 * Opens an evaluation's folder.
 *
 * @throws {OddsmithError} BAD_FILE if a file is missing or broken.
 */
export async function readEvaluation(dir: string): Promise<Evaluation> {
  const generations: EvaluatedGeneration[] = [];
  for await (const row of readJsonLines<EvaluatedGeneration>(join(dir, "generations.jsonl"))) {
    generations.push(row);
  }
  return {
    summary: await readJson<EvaluationSummary>(join(dir, "summary.json")),
    generations,
    pairs: () => readJsonLines<EvaluatedPair>(join(dir, "pairs.jsonl")),
  };
}

/** Writes an evaluation into an empty folder; pairs pass through in flat memory. */
export async function writeEvaluation(
  dir: string,
  evaluation: {
    summary: EvaluationSummary;
    generations: readonly EvaluatedGeneration[];
    pairs: AsyncIterable<EvaluatedPair>;
  },
): Promise<void> {
  await writeJsonLines(join(dir, "pairs.jsonl"), evaluation.pairs);
  await writeJsonLines(join(dir, "generations.jsonl"), evaluation.generations);
  const summary = JSON.stringify(evaluation.summary, null, 2) + "\n";
  await Deno.writeTextFile(join(dir, "summary.json"), summary);
}
