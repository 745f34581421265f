/**
 * Measures ratios: contenders run in turn (A B C A B C ...) in one process, so that whatever slows
 * the machine down slows all of them, and the figure is the median over rounds of base / contender.
 * Absolute times are kept for information; they say as much of the neighbours as of the code.
 *
 * A bench file is a program: `deno run -A bench/matmul.ts` prints its figures; `deno task bench`
 * runs all of them (bench/run.ts) and writes bench/results.json.
 */

import { openDevice } from "../src/tensor/device.ts";
import { tf } from "../src/tensor/tf.ts";
import { submitPending, webgpuInternals } from "../src/tensor/webgpu_internals.ts";
import { processorTime } from "../src/tensor/processor_time.ts";

/** One way to do the work that is measured. */
export interface Contender {
  readonly name: string;
  /** Does the work once; tensors it gives are disposed after the device is done. */
  run(): tf.TensorContainer | void | Promise<tf.TensorContainer | void>;
}

/** A comparison: how many times quicker than `base` each contender is. */
export interface Comparison {
  /** What is measured, as the acceptance names it. */
  readonly name: string;
  readonly base: Contender;
  readonly contenders: readonly Contender[];
  /** The ratio that must be reached, and the one aimed for. */
  readonly must: number;
  readonly aim: number;
  /** Rounds, after one that is not counted. Default 7. */
  readonly rounds?: number;
  /** Runs of a contender a round, in a row. Default 1. */
  readonly repeats?: number;
  /** False: no round beforehand that is not counted, for work of minutes. Default true. */
  readonly warmsUp?: boolean;
}

/** What was found. */
export interface Figure {
  readonly name: string;
  readonly contender: string;
  readonly value: number;
  /** "x": times quicker; or bytes, percent, MB/s. */
  readonly unit: string;
  readonly must: number;
  readonly aim: number;
  /** A smaller value is better. Default false. */
  readonly isCost?: boolean;
  readonly details: Readonly<Record<string, number | string>>;
}

/** Whether a figure is as good as `target` asks. */
export function isReached({ value, isCost }: Figure, target: number): boolean {
  return isCost ? value <= target : value >= target;
}

/** Measures a comparison on webgpu, which is opened if need be. */
export async function compare(comparison: Comparison): Promise<Figure[]> {
  const { name, base, contenders, must, aim, rounds = 7, repeats = 1, warmsUp = true } = comparison;
  await openDevice("webgpu");
  const all = [base, ...contenders];
  if (warmsUp) { for (const contender of all) await timed(contender, 1); }
  const samples: Sample[][] = [];
  for (let round = 0; round < rounds; round++) {
    const row: Sample[] = [];
    for (const contender of all) row.push(await timed(contender, repeats));
    samples.push(row);
  }
  const millis = (column: number) => median(samples.map((row) => row[column]!.wallMs));
  return contenders.map((contender, i) => ({
    name,
    contender: contender.name,
    value: median(samples.map((row) => row[0]!.wallMs / row[i + 1]!.wallMs)),
    unit: "x",
    must,
    aim,
    details: {
      base: base.name,
      rounds,
      baseMs: millis(0),
      contenderMs: millis(i + 1),
      processorTimeRatio: median(
        samples.map((row) => row[0]!.processorMs / row[i + 1]!.processorMs),
      ),
    },
  }));
}

interface Sample {
  wallMs: number;
  processorMs: number;
}

/** The time of one run, until the device has done it. */
async function timed({ run }: Contender, repeats: number): Promise<Sample> {
  await settle();
  const [wall, processor] = [performance.now(), processorTime()];
  const made: (tf.TensorContainer | void)[] = [];
  for (let i = 0; i < repeats; i++) made.push(await run());
  await settle();
  const sample = {
    wallMs: (performance.now() - wall) / repeats,
    processorMs: (processorTime() - processor) / repeats,
  };
  for (const tensors of made) if (tensors) tf.dispose(tensors);
  return sample;
}

/** Waits until the device has done all it was given. */
export async function settle(): Promise<void> {
  const backend = webgpuInternals();
  submitPending(backend);
  await backend.queue.onSubmittedWorkDone();
}

/** The middle value; of an even number, the upper of the two. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Prints a bench file's figures as they come: as lines for people, or as JSON under --json. */
export async function runBench(
  meta: ImportMeta,
  figures: () => AsyncIterable<Figure>,
): Promise<void> {
  if (!meta.main) return;
  for await (const figure of figures()) {
    console.log(Deno.args.includes("--json") ? JSON.stringify(figure) : figureLine(figure));
  }
}

/** A figure for people: "12.1x  matmul ... NT (must 4.5, aim 5.5)". */
export function figureLine(figure: Figure): string {
  const { name, contender, value, unit, must, aim } = figure;
  const verdict = isReached(figure, aim) ? "aim" : isReached(figure, must) ? "ok" : "MISSED";
  const shown = `${value.toPrecision(3)}${unit}`;
  return `${shown.padStart(8)}  ${verdict.padEnd(6)}  ${name}: ${contender} ` +
    `(must reach ${must}${unit}, aim ${aim}${unit})`;
}
