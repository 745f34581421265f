/** Every error of the training layer, made here. */

import { format as formatBytes } from "@std/fmt/bytes";
import { OddsmithError } from "../base/error.ts";

function trainError(
  code: string,
  message: string,
  hint: string,
  details: { cause?: unknown } = {},
): OddsmithError {
  return new OddsmithError("TrainError", code, message, { hint, cause: details.cause });
}

/** No pair to train on. */
export function noTrainingPairs(): OddsmithError {
  return trainError(
    "NO_PAIRS",
    "Cannot train: the train split has no pairs",
    "look at the drop counts of the ingest and tokenize stages, or lower evalFraction",
  );
}

/** A token id the model has no embedding for. */
export function idBeyondVocabulary(pair: string, id: number, vocabSize: number): OddsmithError {
  return trainError(
    "VOCAB_TOO_SMALL",
    `Cannot train: pair "${pair}" has token id ${id}, the model's vocabulary ends at ${
      vocabSize - 1
    }`,
    "the pairs were tokenized with another model's tokenizer; give tokenize the model that is trained",
  );
}

/** A sequence longer than the model's positions. */
export function pairTooLong(pair: string, length: number, allowed: number): OddsmithError {
  return trainError(
    "PAIR_TOO_LONG",
    `Cannot train: pair "${pair}" has ${length} tokens, the model allows ${allowed}`,
    `set tokenize's maxLength to ${allowed} or less`,
  );
}

/** An answer without a token to score. */
export function emptyAnswer(pair: string, side: "chosen" | "rejected"): OddsmithError {
  return trainError(
    "EMPTY_ANSWER",
    `Cannot score pair "${pair}": its ${side} answer has no token that a prompt token precedes`,
    "tokenize the pairs with the tokenize stage, which drops such pairs",
  );
}

/** Something in an optimizer step stopped being a number. */
export function nonFinite(
  what: string,
  step: number,
  pairs: readonly string[],
  savedTo: string,
): OddsmithError {
  const shown = pairs.slice(0, 8).join(", ");
  const more = pairs.length > 8 ? ` and ${pairs.length - 8} more` : "";
  return trainError(
    "NON_FINITE",
    `Cannot go on: ${what} of step ${step} is not finite; its pairs are ${shown}${more}`,
    `the batch is saved in ${savedTo}; a lower learningRate or maxGradNorm, or more warmup, ` +
      "usually helps",
  );
}

/** Held-out pairs whose loss is not a number. */
export function nonFiniteEvaluation(step: number): OddsmithError {
  return trainError(
    "NON_FINITE",
    `Cannot go on: the evaluation's loss after step ${step} is not finite`,
    step === 0
      ? "the model to train gives no finite log-probabilities: look at its weights"
      : "the last update broke the weights; a lower learningRate usually helps",
  );
}

/** An option that needs held-out pairs where there are none. */
export function needsEvalPairs(option: string): OddsmithError {
  return trainError(
    "NO_EVAL_PAIRS",
    `Cannot use ${option}: the eval split has no pairs`,
    `raise ingest's evalFraction, or leave ${option} out`,
  );
}

/** The optimizer step needs more than the device gives. */
export function beyondDevice(cause: OddsmithError): OddsmithError {
  return trainError(
    "BATCH_TOO_LARGE",
    `Cannot run this batch on the device: ${cause.message}`,
    "lower microBatchTokens (the result is the same) or, where a single pair is too large, " +
      "tokenize's maxLength",
    { cause },
  );
}

/** A budget that no way to run the training fits. */
export function memoryTooSmall(needed: number, budget: number, tokens: number): OddsmithError {
  const show = (count: number) => formatBytes(count, { binary: true });
  return trainError(
    "MEMORY_BUDGET",
    `Cannot train within memoryBudget ${show(budget)}: with every layer computed twice and ` +
      `${tokens} tokens a micro-batch it takes ${show(needed)}`,
    "lower tokenize's maxLength, train a LoRA adapter (lora) on a smaller base (quantization), or " +
      "raise memoryBudget",
  );
}

/** The device failed in mid-training: lost, or out of memory. What was saved is not touched. */
export function deviceFailed(
  cause: OddsmithError,
  saved: { step: number; path: string } | undefined,
  microBatchTokens: number,
): OddsmithError {
  const kept = saved
    ? `the checkpoint of step ${saved.step} is whole, in ${saved.path}`
    : "no checkpoint was saved yet";
  const smaller = `lower microBatchTokens (now ${microBatchTokens}), or set memoryBudget or ` +
    "gradientCheckpointing: training goes on from its checkpoint, and the result is the same; where a " +
    "single pair is too large, lower tokenize's maxLength";
  const isMemory = cause.code === "OUT_OF_MEMORY";
  return trainError(
    isMemory ? "OUT_OF_MEMORY" : "DEVICE_LOST",
    `${cause.message}; ${kept}`,
    isMemory
      ? `${smaller}; other programs may use the device's memory too`
      : `if it comes back, ${smaller}`,
    { cause },
  );
}

/** A checkpoint that could not be written. */
export function checkpointUnwritable(step: number, dir: string, cause: unknown): OddsmithError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return trainError(
    "CHECKPOINT_WRITE",
    `Cannot save the checkpoint of step ${step} in "${dir}": ${reason}`,
    "free some disk space and run the same command again: it goes on from the last whole checkpoint",
    { cause },
  );
}

/** A checkpoint that is not whole, or not of what is being trained. */
export function checkpointInvalid(path: string, reason: string): OddsmithError {
  return trainError(
    "CHECKPOINT_INVALID",
    `Cannot use "${path}": ${reason}`,
    "it is removed: training goes on from an older one, or begins again",
  );
}

/** The best model's weights are gone at the end of a run. */
export function bestModelMissing(step: number, cause: unknown): OddsmithError {
  return trainError(
    "BEST_MODEL_MISSING",
    `Cannot load the best model: the weights of step ${step} cannot be read`,
    "they were changed by hand; run again with --force",
    { cause },
  );
}
