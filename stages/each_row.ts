/** Goes through both splits of a data set for a stage: says how far it is, stops when told to. */

import type { Progress } from "../src/runner/contract.ts";
import type { Dataset, Split } from "../src/runner/dataset.ts";

/** What of a stage's context is needed. */
interface Watcher {
  readonly signal: AbortSignal;
  report(progress: Progress): void;
}

/** Gives every row, training rows first; reports "pairs" done. */
export async function* eachRow<Row>(
  dataset: Dataset<Row>,
  watcher: Watcher,
): AsyncGenerator<{ split: Split; row: Row }> {
  const total = dataset.counts.train + dataset.counts.eval;
  let done = 0;
  for (const split of ["train", "eval"] as const) {
    for await (const row of dataset.rows(split)) {
      watcher.signal.throwIfAborted();
      yield { split, row };
      watcher.report({ unit: "pairs", done: ++done, total });
    }
  }
}
