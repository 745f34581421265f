/**
 * What became of every row: counts by reason with the first places, never any text. The same
 * input gives the same figures, whatever the machine.
 */

import type { ErrorLocation } from "../base/error.ts";
import type { JsonObject } from "../base/json.ts";
import type { RowFaultReason } from "./row_fault.ts";

/** The halves of a data set. */
export type Split = "train" | "eval";

/** Why a row of a file is in no split: it is bad, a repetition, held out elsewhere, or surplus. */
export type DropReason = RowFaultReason | "duplicate" | "leaked" | "sampledOut" | "overLimit";

/** Where a row is. */
export interface Place {
  /** The file's name. */
  readonly file: string;
  /** From 1. */
  readonly row: number;
}

const FIRST_PLACES = 5;

interface Drops {
  rows: number;
  first: Place[];
}

/** What came of one source. */
export interface SourceTally {
  /** Names, in the order they are read. */
  files: string[];
  /** Read to train on, or held out whole. */
  split: Split;
  /** As configured. */
  weight: number;
  /** Rows read. */
  rows: number;
  /** Different pairs kept. */
  kept: number;
}

/** Counts rows while they pass. */
export class Tally {
  /** Rows read. */
  rows = 0;
  /** Pairs kept by split, repetitions by weight included. */
  readonly kept: Record<Split, number> = { train: 0, eval: 0 };
  /** Pairs that `train` holds beyond one of each, by weight. */
  repeats = 0;
  /** Training rows whose prompt is held out, kept under `onLeakage: keep` or not. */
  leaked = 0;
  /** Kept pairs without a prompt. */
  emptyPrompts = 0;
  /** Kept pairs of which an answer has several turns. */
  multiTurnAnswers = 0;
  /** In the order they are read. */
  readonly sources: SourceTally[] = [];
  readonly #drops = new Map<DropReason, Drops>();
  readonly #types: Record<string, number> = {};

  /** Begins a source; rows and kept are counted on the object returned. */
  source(files: string[], split: Split, weight: number): SourceTally {
    const source = { files, split, weight, rows: 0, kept: 0 };
    this.sources.push(source);
    return source;
  }

  /** Counts rows read of a dataset type. */
  read(count: number, type: string): void {
    this.rows += count;
    this.#types[type] = (this.#types[type] ?? 0) + count;
  }

  /** Counts a row that is left out. */
  drop(reason: DropReason, place: Place): void {
    let drops = this.#drops.get(reason);
    if (drops === undefined) this.#drops.set(reason, drops = { rows: 0, first: [] });
    drops.rows++;
    if (drops.first.length < FIRST_PLACES) drops.first.push(place);
  }

  /** Rows left out. */
  get dropped(): number {
    return [...this.#drops.values()].reduce((sum, { rows }) => sum + rows, 0);
  }

  /** Where the first row was left out. */
  get firstDropped(): ErrorLocation | undefined {
    return this.#drops.values().next().value?.first[0];
  }

  /** The reasons with their counts, most frequent first: "identicalAnswers 6, duplicate 2". */
  reasons(): string {
    return [...this.#drops].sort(([, a], [, b]) => b.rows - a.rows)
      .map(([reason, { rows }]) => `${reason} ${rows}`).join(", ");
  }

  /** The figures as they stand in the data set's statistics and the manifest. */
  toJson(): JsonObject {
    const dropped: JsonObject = {};
    for (const [reason, { rows, first }] of this.#drops) {
      dropped[reason] = { rows, first: first.map(({ file, row }) => `${file} row ${row}`) };
    }
    return {
      rows: this.rows,
      kept: { ...this.kept },
      repeats: this.repeats,
      dropped,
      leaked: this.leaked,
      emptyPrompts: this.emptyPrompts,
      multiTurnAnswers: this.multiTurnAnswers,
      types: { ...this.#types },
      sources: this.sources.map((source) => ({ ...source })),
    };
  }
}
