/**
 * What a run showed, in plain words: the sentence at the head of a page and the remarks under it.
 * They say when the method did not help as readily as when it did. No markup here.
 */

import type { EvaluationSummary } from "./evaluation.ts";
import { formatCount, formatFigure, formatShare } from "./format.ts";
import type { ReportData, ReportInput } from "./input.ts";
import { endOf, type TrainingLog } from "./training_log.ts";

/** A remark; "warn" wants the reader's attention. */
export interface Finding {
  /** How it is to be taken. */
  level: "good" | "note" | "warn";
  /** Whole sentences. */
  text: string;
}

const ACCURACY = "eval_rewards/accuracies";

/** The sentence that says what happened. */
export function headline({ evaluation, training }: ReportInput): string {
  if (evaluation) return evaluationHeadline(evaluation.summary);
  if (!training) return "This run was neither trained nor evaluated: there is nothing to compare.";
  const accuracy = endOf(training.series.get(ACCURACY) ?? []) ??
    endOf(training.series.get("rewards/accuracies") ?? []);
  return accuracy === undefined
    ? "The model was trained; it was not evaluated on held-out pairs."
    : `By the end of training the model preferred the chosen answer in ${formatShare(accuracy)} ` +
      "of pairs; it was not compared with the model it started from.";
}

function evaluationHeadline({ pairs, before, after, change }: EvaluationSummary): string {
  const now = formatShare(after.metrics[ACCURACY]);
  const interval = after.intervals[ACCURACY];
  const range = interval && interval.low < interval.high
    ? ` (${formatShare(interval.level)} interval ${formatShare(interval.low)} to ${
      formatShare(interval.high)
    })`
    : "";
  const count = `${formatCount(pairs)} held-out ${pairs === 1 ? "pair" : "pairs"}`;
  if (!before) return `The model prefers the chosen answer in ${now} of ${count}${range}.`;
  const was = formatShare(before.metrics[ACCURACY]);
  const moved = change?.[ACCURACY];
  if (moved && moved.low > 0) {
    return `The model now prefers the chosen answer in ${now} of ${count}${range}, up from ${was} ` +
      "before training.";
  }
  if (moved && moved.high < 0) {
    return `Training did harm: the model prefers the chosen answer in ${now} of ${count}${range}, ` +
      `down from ${was}.`;
  }
  return `The model prefers the chosen answer in ${now} of ${count}${range}; before training it ` +
    `was ${was}. These pairs do not show a difference.`;
}

/** The remarks under the headline, the most telling first. */
export function findings(input: ReportInput): Finding[] {
  const { evaluation, data } = input;
  return [
    ...(evaluation ? probabilityFindings(evaluation.summary) : []),
    ...overfittingFindings(input),
    ...(evaluation ? certaintyFindings(evaluation.summary) : []),
    ...(data ? dataFindings(data) : []),
  ];
}

/** Mean log-probabilities a token of both answers. */
interface AnswerLogps {
  chosen: number;
  rejected: number;
}

/** What became of the two log-probabilities: the heart of what ORPO claims. */
function probabilityFindings({ before, after, objective }: EvaluationSummary): Finding[] {
  if (!before) return [];
  const [start, end] = [answerLogps(before.metrics), answerLogps(after.metrics)];
  const chosen = `${formatFigure(start.chosen)} to ${formatFigure(end.chosen)}`;
  const rejected = `${formatFigure(start.rejected)} to ${formatFigure(end.rejected)}`;
  const figures = `chosen ${chosen}, rejected ${rejected} a token, natural logarithm`;
  const [chosenRose, rejectedRose] = [end.chosen > start.chosen, end.rejected >= start.rejected];
  if (chosenRose && !rejectedRose) {
    return [{
      level: "good",
      text: `Chosen answers became likelier (${chosen} a token, natural logarithm) and rejected ` +
        `ones less likely (${rejected}).`,
    }];
  }
  if (chosenRose) {
    return [{
      level: "warn",
      text: `Rejected answers became likelier too, as plain fine-tuning makes them: ${figures}. ` +
        (objective.beta === 0 ? "beta was 0." : "A larger beta pushes them down."),
    }];
  }
  return [{
    level: "warn",
    text: rejectedRose
      ? `Chosen answers became less likely and rejected ones likelier: ${figures}. Are the two ` +
        "columns the right way round?"
      : `Both answers became less likely: ${figures}. The margin grew at the cost of the text ` +
        "itself; a smaller beta or learning rate helps.",
  }];
}

function answerLogps(metrics: Record<string, number>): AnswerLogps {
  return {
    chosen: metrics["eval_logps/chosen"] ?? NaN,
    rejected: metrics["eval_logps/rejected"] ?? NaN,
  };
}

/** Signs that training went on too long: a loss that rises again, a gap, near certainty. */
function overfittingFindings({ training, evaluation }: ReportInput): Finding[] {
  const harm = training ? heldOutHarm(training) : [];
  if (harm.length > 0) return harm;
  const trained = training && trainingLogps(training);
  const end = trained ?? (evaluation && answerLogps(evaluation.summary.after.metrics));
  if (!end || !(end.chosen > -0.1 && end.rejected < -5)) return [];
  const watched = (training?.series.get("eval_nll_loss") ?? []).length >= 3;
  return [{
    level: watched ? "note" : "warn",
    text:
      `On ${trained ? "training" : "held-out"} pairs chosen answers end almost certain (${
        formatFigure(end.chosen)
      } a token) and rejected ` +
      `ones almost impossible (${formatFigure(end.rejected)}), the usual sign of overfitting. ` +
      (watched
        ? "The loss on held-out answers has not risen, so these pairs show no harm from it."
        : "Evaluations during training, fewer epochs or a lower learning rate would tell."),
  }];
}

/** Where training ended on its own pairs. */
function trainingLogps({ series }: TrainingLog): AnswerLogps | undefined {
  const chosen = endOf(series.get("logps/chosen") ?? []);
  const rejected = endOf(series.get("logps/rejected") ?? []);
  return chosen === undefined || rejected === undefined ? undefined : { chosen, rejected };
}

/** What the log shows to have got worse, or to lag behind, on held-out pairs. */
function heldOutHarm({ series }: TrainingLog): Finding[] {
  const found: Finding[] = [];
  const nll = series.get("eval_nll_loss") ?? [];
  const last = nll.at(-1);
  const lowest = nll.toSorted((a, b) => a.value - b.value)[0];
  if (last && lowest && nll.length >= 3 && last.value > lowest.value * 1.05 + 0.01) {
    found.push({
      level: "warn",
      text: `The loss on held-out answers was lowest at step ${formatCount(lowest.step)} ` +
        `(${formatFigure(lowest.value)}) and rose to ${formatFigure(last.value)} by step ` +
        `${formatCount(last.step)}: the model overfits from there. Keeping the best checkpoint, ` +
        "or stopping early, avoids it.",
    });
  }
  const chosen = endOf(series.get("logps/chosen") ?? []);
  const heldOut = endOf(series.get("eval_logps/chosen") ?? []);
  if (chosen !== undefined && heldOut !== undefined && chosen - heldOut > 0.5) {
    found.push({
      level: "warn",
      text: `Chosen answers of training pairs end at ${formatFigure(chosen)} a token, held-out ` +
        `ones at ${formatFigure(heldOut)}: part of what was learnt is the training set itself.`,
    });
  }
  return found;
}

/** What the number of held-out pairs allows one to say. */
function certaintyFindings({ pairs, after }: EvaluationSummary): Finding[] {
  const accuracy = after.metrics[ACCURACY];
  if (accuracy === 1 || accuracy === 0) {
    return [{
      level: "note",
      text:
        `${accuracy === 1 ? "Not one" : "Every one"} of ${formatCount(pairs)} pairs went wrong, ` +
        "so resampling them gives an interval of no width; the rate among other pairs may still " +
        `be up to ${formatShare(Math.min(1, 3 / pairs))} away (rule of three).`,
    }];
  }
  if (pairs >= 30) return [];
  return [{
    level: "note",
    text:
      `${formatCount(pairs)} held-out pairs are few: the interval is wide, and one pair moves ` +
      `accuracy by ${formatShare(1 / pairs)}.`,
  }];
}

/** What in the data may pass for a preference. */
function dataFindings({ lengths }: ReportData): Finding[] {
  const chosen = lengths.summary("chosen");
  const rejected = lengths.summary("rejected");
  if (!chosen || !rejected) return [];
  const longer = lengths.chosenLonger / lengths.pairs;
  const ratio = chosen.mean / rejected.mean;
  if (Math.abs(longer + lengths.equallyLong / lengths.pairs / 2 - 0.5) < 0.2) return [];
  return [{
    level: "note",
    text:
      `Length alone tells much: the chosen answer is the longer one in ${formatShare(longer)} of ` +
      `training pairs, ${
        formatFigure(ratio)
      } times as long on average. Log-probabilities are means ` +
      "a token, so this does not enter the loss by itself; a model can still learn it.",
  }];
}
