/**
 * The one pass from sources to a data set: every row is read once, checked, looked up among the
 * hashes of those before it, put into a split and handed on. Memory is that of a batch of rows
 * and of the hashes.
 *
 * Invariants: a pair's split depends on its prompt and the salt alone, so more data never moves it
 * and no prompt is in both splits; the same files and options give the same rows in the same order.
 */

import type { DataFile } from "./data_file.ts";
import { type Hash64, hashFraction, hashId, pairHash, promptHash } from "./content_hash.ts";
import { allDropped, badRow, emptyData, leakage, noTrainingRows } from "./errors.ts";
import { HashSet } from "./hash_set.ts";
import type { PreferencePair } from "./pair.ts";
import { readPairs, type RowShape } from "./pair_reader.ts";
import type { RowFault } from "./row_fault.ts";
import { type Place, type Split, Tally } from "./tally.ts";
import type { PairContent } from "./types/dataset_type.ts";

/** Files that are read alike. */
export interface PairSource extends RowShape {
  /** In the order they are read. */
  readonly files: readonly DataFile[];
  /** How often each pair is trained on; see `IngestOptions.sources`. */
  readonly weight: number;
  /** At most so many different pairs are taken from it, the first; default all. */
  readonly limit?: number;
}

/** What a pass is to do. */
export interface IngestOptions {
  /**
   * Read in order. A pair of weight w is in the data set floor(w) times, and once more where the
   * pair's hash, as a number in [0, 1), is below the rest; held-out pairs are never repeated.
   */
  readonly sources: readonly PairSource[];
  /** Held out whole, and read first. */
  readonly evalSources: readonly PairSource[];
  /** Share of prompts of `sources` held out, in [0, 1). */
  readonly evalFraction: number;
  /** Changes which prompts are held out. */
  readonly splitSalt: string;
  /** Reading stops at so many training pairs. */
  readonly limit?: number;
  /** No more than so many pairs are held out; the rest of them are left out. */
  readonly evalLimit?: number;
  /** Stop at rows that make no pair, or leave them out. */
  readonly onBadRow: "raise" | "drop";
  /** What to do with rows of `sources` whose prompt is in `evalSources`. */
  readonly onLeakage: "raise" | "drop" | "keep";
  /** Stops the pass with its reason. */
  readonly signal?: AbortSignal;
  /** Told after each batch. */
  readonly onProgress?: (progress: IngestProgress) => void;
}

/** How far a pass is. */
export interface IngestProgress {
  /** Rows read. */
  rows: number;
  /** Bytes of files read, as they lie on disk. */
  bytes: number;
  /** Bytes of all files. */
  totalBytes: number;
}

/** A pair with its split. */
export interface SplitPair {
  /** Where it belongs. */
  split: Split;
  /** The pair. */
  row: PreferencePair;
}

/** One pass over the sources; `pairs` runs it, `tally` tells of it. */
export class Ingest {
  /** What became of the rows so far. */
  readonly tally: Tally = new Tally();
  readonly #options: IngestOptions;
  readonly #pairs = new HashSet();
  readonly #heldOut = new HashSet();
  #bytes = 0;
  #firstBad: (Place & { fault: RowFault; count: number }) | undefined;
  #firstLeak: Place | undefined;

  /** Prepares a pass; nothing is read before `pairs`. */
  constructor(options: IngestOptions) {
    this.#options = options;
  }

  /**
   * Reads the sources and gives the data set's pairs. Under `raise`, the rows are read on after a
   * bad one to count how many more there are, and nothing more is given.
   *
   * @throws DataError BAD_ROW, LEAKAGE, EMPTY, ALL_DROPPED, NO_TRAINING_ROWS; those of `readPairs`.
   */
  async *pairs(): AsyncGenerator<SplitPair> {
    for (const source of this.#options.evalSources) yield* this.#read(source, "eval");
    for (const source of this.#options.sources) {
      if (this.#full("train")) break;
      yield* this.#read(source, "train");
    }
    this.#finish();
  }

  async *#read(source: PairSource, role: Split): AsyncGenerator<SplitPair> {
    const { signal, onProgress, sources, evalSources } = this.#options;
    const files = [...evalSources, ...sources].flatMap((one) => one.files);
    const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    const count = this.tally.source(source.files.map((file) => file.name), role, source.weight);
    const onBytes = (read: number) => void (this.#bytes += read);
    for (const file of source.files) {
      for await (const batch of readPairs(file, source, { signal, onBytes })) {
        signal?.throwIfAborted();
        for (const read of batch.pairs) {
          if (this.#full(role) || count.kept === source.limit) return;
          this.tally.read(1, batch.type);
          count.rows++;
          const place = { file: file.name, row: read.row };
          if ("fault" in read) {
            this.#drop(read.fault, place);
            continue;
          }
          const before = this.tally.kept.train + this.tally.kept.eval;
          if (this.#firstBad === undefined) yield* this.#take(read.content, place, source, role);
          if (this.tally.kept.train + this.tally.kept.eval > before) count.kept++;
        }
        onProgress?.({ rows: this.tally.rows, bytes: Math.round(this.#bytes), totalBytes });
      }
    }
  }

  /** Has a split of sources of its own all the pairs it may have? */
  #full(role: Split): boolean {
    const limit = role === "train" ? this.#options.limit : this.#options.evalLimit;
    return this.tally.kept[role] === limit;
  }

  #drop(fault: RowFault, place: Place): void {
    this.tally.drop(fault.reason, place);
    if (this.#options.onBadRow === "drop") return;
    if (this.#firstBad === undefined) this.#firstBad = { ...place, fault, count: 0 };
    else this.#firstBad.count++;
  }

  *#take(
    content: PairContent,
    place: Place,
    source: PairSource,
    role: Split,
  ): Generator<SplitPair> {
    const prompt = promptHash(content, this.#options.splitSalt);
    if (role === "train" && prompt !== undefined && this.#leaks(prompt, place)) return;
    const hash = pairHash(content);
    const copies = copiesOf(hash, source.weight);
    if (copies === 0) return this.tally.drop("sampledOut", place);
    if (!this.#pairs.add(hash)) return this.tally.drop("duplicate", place);
    const heldOut = role === "eval" || hashFraction(prompt ?? hash) < this.#options.evalFraction;
    if (heldOut && this.#full("eval")) return this.tally.drop("overLimit", place);
    if (role === "eval" && prompt !== undefined) this.#heldOut.add(prompt);
    this.#describe(content);
    const row = { id: hashId(hash), source: `${place.file}:${place.row}`, ...content };
    const split = heldOut ? "eval" : "train";
    this.tally.kept[split]++;
    yield { split, row };
    for (let copy = 2; copy <= copies && !heldOut && !this.#full("train"); copy++) {
      this.tally.kept.train++;
      this.tally.repeats++;
      yield { split, row: { ...row, id: `${row.id}-${copy}` } };
    }
  }

  /** Counts a training row whose prompt is held out by `evalSources`; true where it must go. */
  #leaks(prompt: Hash64, place: Place): boolean {
    if (!this.#heldOut.has(prompt)) return false;
    this.tally.leaked++;
    this.#firstLeak ??= place;
    if (this.#options.onLeakage === "keep") return false;
    this.tally.drop("leaked", place);
    return true;
  }

  #describe(content: PairContent): void {
    if (content.prompt.length === 0) this.tally.emptyPrompts++;
    const { form, chosen, rejected } = content;
    if (form === "conversational" && (chosen.length > 1 || rejected.length > 1)) {
      this.tally.multiTurnAnswers++;
    }
  }

  #finish(): void {
    const { tally } = this;
    if (this.#firstBad !== undefined) {
      const { file, row, fault, count } = this.#firstBad;
      throw badRow(file, row, fault.reason, fault.message, count);
    }
    if (this.#firstLeak !== undefined && this.#options.onLeakage === "raise") {
      throw leakage(this.#firstLeak.file, this.#firstLeak.row, tally.leaked - 1);
    }
    const files = tally.sources.flatMap((source) => source.files);
    if (tally.rows === 0) throw emptyData(files);
    const kept = tally.kept.train + tally.kept.eval;
    if (kept === 0) throw allDropped(tally.rows, tally.reasons(), tally.firstDropped!);
    if (tally.kept.train === 0) throw noTrainingRows(kept);
  }
}

function copiesOf(hash: Hash64, weight: number): number {
  const whole = Math.floor(weight);
  return whole + (hashFraction(hash) < weight - whole ? 1 : 0);
}
