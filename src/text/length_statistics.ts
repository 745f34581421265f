/**
 * Counts what encoding made of a data set: lengths, drops, cuts, and how much longer chosen answers
 * are than rejected ones, which a model may learn in place of the preference. Memory stays flat: a
 * counter for each length that occurs.
 */

import type { JsonObject } from "../base/json.ts";
import type { EncodedPair } from "./encode_pair.ts";

/** Integers and how often each came. */
class Histogram {
  readonly #counts = new Map<number, number>();
  #count = 0;
  #sum = 0;

  add(value: number): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
    this.#count++;
    this.#sum += value;
  }

  mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** The least value that at least `share` of all values do not exceed. */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (const value of [...this.#counts.keys()].sort((a, b) => a - b)) {
      seen += this.#counts.get(value)!;
      if (seen >= rank) return value;
    }
    return 0;
  }

  toJson(): JsonObject {
    return {
      mean: rounded(this.mean()),
      median: this.quantile(0.5),
      p95: this.quantile(0.95),
      max: this.quantile(1),
    };
  }
}

/** Adds up encoded pairs. */
export class LengthStatistics {
  readonly #lengths = {
    prompt: new Histogram(),
    chosen: new Histogram(),
    rejected: new Histogram(),
    pair: new Histogram(),
  };
  readonly #difference = new Histogram();
  readonly #dropped: Record<string, number> = {};
  readonly #truncated = { prompt: 0, chosen: 0, rejected: 0 };
  #boundaryMoved = 0;
  #longer = { chosen: 0, rejected: 0 };
  #kept = 0;
  #tokens = 0;

  /** Counts one pair, kept or dropped. */
  add(encoded: EncodedPair): void {
    if (encoded.dropped !== undefined) {
      this.#dropped[encoded.dropped] = (this.#dropped[encoded.dropped] ?? 0) + 1;
      return;
    }
    const { pair, notes } = encoded;
    const prompt = pair.promptIds.length;
    const chosen = pair.chosenIds.length;
    const rejected = pair.rejectedIds.length;
    this.#kept++;
    this.#tokens += prompt + chosen + rejected;
    this.#lengths.prompt.add(prompt);
    this.#lengths.chosen.add(chosen);
    this.#lengths.rejected.add(rejected);
    this.#lengths.pair.add(prompt + Math.max(chosen, rejected));
    this.#difference.add(chosen - rejected);
    if (chosen > rejected) this.#longer.chosen++;
    if (rejected > chosen) this.#longer.rejected++;
    if (notes.boundaryMoved > 0) this.#boundaryMoved++;
    if (notes.promptTruncated) this.#truncated.prompt++;
    if (notes.chosenTruncated) this.#truncated.chosen++;
    if (notes.rejectedTruncated) this.#truncated.rejected++;
  }

  /** Ids of all kept pairs; a pair's prompt counts once. */
  get tokens(): number {
    return this.#tokens;
  }

  /** How many pairs were left out, by reason. */
  get dropped(): Readonly<Record<string, number>> {
    return this.#dropped;
  }

  /** One line for people: how many pairs, how long, what was cut, which answers are longer. */
  summary(): string {
    const { prompt, chosen, rejected } = this.#lengths;
    const median = (lengths: Histogram) => lengths.quantile(0.5);
    const difference = this.#difference.mean();
    return [
      `${this.#kept} pairs kept`,
      ...counted("left out", this.#dropped),
      ...counted("cut", this.#truncated),
      `median tokens: prompt ${median(prompt)}, chosen ${median(chosen)}, ` +
      `rejected ${median(rejected)}`,
      `chosen against rejected ${difference < 0 ? "" : "+"}${difference.toFixed(1)} on average`,
    ].join("; ");
  }

  /** Pairs kept and dropped, lengths in tokens, cuts and the length bias. */
  toJson(): JsonObject {
    const share = (count: number) => this.#kept === 0 ? 0 : rounded(count / this.#kept);
    return {
      kept: this.#kept,
      dropped: { ...this.#dropped },
      tokens: this.#tokens,
      boundaryMoved: this.#boundaryMoved,
      truncated: { ...this.#truncated },
      lengths: {
        prompt: this.#lengths.prompt.toJson(),
        chosen: this.#lengths.chosen.toJson(),
        rejected: this.#lengths.rejected.toJson(),
        pair: this.#lengths.pair.toJson(),
      },
      lengthBias: {
        meanDifference: rounded(this.#difference.mean()),
        medianDifference: this.#difference.quantile(0.5),
        chosenLonger: share(this.#longer.chosen),
        rejectedLonger: share(this.#longer.rejected),
      },
    };
  }
}

/** E.g. "cut: prompt 3, chosen 1"; nothing where all counts are 0. */
function counted(what: string, counts: Readonly<Record<string, number>>): string[] {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  if (some.length === 0) return [];
  return [`${what}: ${some.map(([name, count]) => `${name} ${count}`).join(", ")}`];
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
