/**
 * Times the ways to compute a kernel on the current adapter, once, and keeps what it found. Which
 * way is taken changes speed alone; a training that never tunes runs on assumed speeds.
 */

import { currentDevice } from "./device.ts";
import { MATMUL_TUNING, problemClass } from "./matmul_problem.ts";
import { matMulCandidates, type ProductShape } from "./matmul_candidates.ts";
import { processorTime } from "./processor_time.ts";
import { readTuning, writeTuning } from "./tuning_file.ts";
import { currentTuning, type Speeds, useTuning, withSpeeds } from "./tuning.ts";
import { submitPending, webgpuInternals } from "./webgpu_internals.ts";

/** One way to compute a problem, ready to be run. */
export interface TuningCandidate {
  readonly name: string;
  /** What a run computes, the unused included, in a unit common to all candidates. */
  readonly work: number;
  /** Encodes one computation. */
  run(): void;
}

/** What a tuning did. */
export interface TuningReport {
  /** Classes of problems measured now; the others were known. */
  readonly measured: readonly string[];
  readonly elapsedMs: number;
}

/** Options of `tuneFor`. */
export interface TuneOptions {
  /** No candidate is begun after this long. Default 2000. */
  readonly budgetMs?: number;
  /** Measures again what is known. Default false. */
  readonly force?: boolean;
}

/** Runs are repeated until they take this long together; waiting for a GPU may cost 5 to 10. */
const SAMPLE_MS = { software: 8, gpu: 30 };
const SAMPLES = 2;
const MOST_REPEATS = 64;
/** With fewer candidates timed, the time was too short to choose by. */
const COMPARED = 2;
/** A candidate this many times slower than the best so far is run no further. */
const HOPELESS = 3;

/**
 * Makes sure that the speeds which products of these shapes are chosen by are measured on the
 * current adapter: reads them from the cache folder, measures what is missing, and keeps it there.
 * Does nothing off webgpu. Call it before the first step; it takes a second or two at first use.
 */
export async function tuneFor(
  products: readonly ProductShape[],
  { budgetMs = 2000, force = false }: TuneOptions = {},
): Promise<TuningReport> {
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  const { adapter } = currentDevice();
  if (!adapter) return { measured: [], elapsedMs: elapsed() };
  useTuning({ ...await readTuning(adapter), ...currentTuning() });
  const measured: string[] = [];
  for (const [name, shape] of largestByClass(products)) {
    if (!force && currentTuning()[MATMUL_TUNING]?.[name]) continue;
    if (elapsed() > budgetMs) break;
    const candidates = matMulCandidates(shape);
    try {
      const speeds = await measureSpeeds(candidates.ways, () => elapsed() > budgetMs);
      if (Object.keys(speeds).length < COMPARED) break;
      useTuning(withSpeeds(currentTuning(), MATMUL_TUNING, name, speeds));
      measured.push(name);
    } finally {
      candidates.dispose();
    }
  }
  if (measured.length > 0) await writeTuning(adapter, currentTuning());
  return { measured, elapsedMs: elapsed() };
}

/** Work a second of each candidate; those left out when the time was up have none. */
export async function measureSpeeds(
  candidates: readonly TuningCandidate[],
  isOver: () => boolean,
): Promise<Speeds> {
  const sampleMs = SAMPLE_MS[currentDevice().adapter?.software ? "software" : "gpu"];
  const speeds: Record<string, number> = {};
  let best = Infinity;
  for (const { name, work, run } of candidates) {
    if (isOver()) break;
    await timeRuns(run, 1);
    let least = Infinity;
    for (let samples = 0, repeats = 1; samples < SAMPLES;) {
      const elapsed = await timeRuns(run, repeats);
      least = Math.min(least, elapsed / repeats);
      if (elapsed < sampleMs && repeats < MOST_REPEATS) repeats *= 2;
      else samples = least > HOPELESS * best ? SAMPLES : samples + 1;
    }
    best = Math.min(best, least);
    speeds[name] = 1000 * work / least;
  }
  return speeds;
}

/** Milliseconds that the device takes for `count` runs. */
async function timeRuns(run: () => void, count: number): Promise<number> {
  const backend = webgpuInternals();
  const now = currentDevice().adapter?.software ? processorTime : () => performance.now();
  submitPending(backend);
  await backend.queue.onSubmittedWorkDone();
  const started = now();
  for (let i = 0; i < count; i++) run();
  submitPending(backend);
  await backend.queue.onSubmittedWorkDone();
  return now() - started;
}

/** The largest shape of each class, the largest class first. */
function largestByClass(products: readonly ProductShape[]): [string, ProductShape][] {
  const size = ({ rows, inner, columns }: ProductShape) => rows * inner * columns;
  const largest = new Map<string, ProductShape>();
  for (const shape of [...products].sort((a, b) => size(b) - size(a))) {
    const name = problemClass(shape);
    if (!largest.has(name)) largest.set(name, shape);
  }
  return [...largest];
}
