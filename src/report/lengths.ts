/** How long prompts and answers are, counted in flat memory: one counter a length, not one a row. */

/** A pair's three lengths, in tokens. */
export interface PairLengths {
  /** Tokens of the prompt. */
  prompt: number;
  /** Tokens of the chosen answer. */
  chosen: number;
  /** Tokens of the rejected answer. */
  rejected: number;
}

/** The parts of a pair that have a length. */
export type LengthPart = keyof PairLengths;

/** How often each length occurs, and how chosen and rejected compare pair by pair. */
export class LengthTally {
  /** Length -> pairs, by part. */
  readonly counts: Readonly<Record<LengthPart, Map<number, number>>> = {
    prompt: new Map(),
    chosen: new Map(),
    rejected: new Map(),
  };
  /** Pairs whose chosen answer is the longer one. */
  chosenLonger = 0;
  /** Pairs whose two answers are equally long. */
  equallyLong = 0;
  /** Pairs counted. */
  pairs = 0;

  /** Counts one pair. */
  add(lengths: PairLengths): void {
    this.pairs++;
    if (lengths.chosen > lengths.rejected) this.chosenLonger++;
    if (lengths.chosen === lengths.rejected) this.equallyLong++;
    for (const part of ["prompt", "chosen", "rejected"] as const) {
      const counts = this.counts[part];
      counts.set(lengths[part], (counts.get(lengths[part]) ?? 0) + 1);
    }
  }

  /** Mean, median and maximum of a part; undefined where no pair was counted. */
  summary(part: LengthPart): { mean: number; median: number; max: number } | undefined {
    const sorted = [...this.counts[part]].sort((a, b) => a[0] - b[0]);
    const last = sorted.at(-1);
    if (!last) return undefined;
    const total = sorted.reduce((sum, [length, count]) => sum + length * count, 0);
    let seen = 0;
    const median = sorted.find(([, count]) => (seen += count) * 2 >= this.pairs)!;
    return { mean: total / this.pairs, median: median[0], max: last[0] };
  }

  /** Sorts a part's lengths into bins of equal, whole width: at most `limit` of them. */
  bins(part: LengthPart, limit: number): LengthBin[] {
    const max = Math.max(
      ...["chosen", "rejected", "prompt"].map((name) => this.summary(name as LengthPart)?.max ?? 0),
    );
    const width = Math.max(1, Math.ceil((max + 1) / limit));
    const bins: LengthBin[] = [];
    for (let from = 0; from <= max; from += width) bins.push({ from, to: from + width, pairs: 0 });
    for (const [length, count] of this.counts[part]) {
      bins[Math.floor(length / width)]!.pairs += count;
    }
    return bins;
  }
}

/** Pairs whose length is in [from, to). */
export interface LengthBin {
  /** Its least length. */
  from: number;
  /** Where the next one begins. */
  to: number;
  /** How many pairs. */
  pairs: number;
}

/** Counts the lengths of tokenized pairs. */
export async function tallyLengths(
  pairs: AsyncIterable<{ promptIds: number[]; chosenIds: number[]; rejectedIds: number[] }>,
): Promise<LengthTally> {
  const tally = new LengthTally();
  for await (const { promptIds, chosenIds, rejectedIds } of pairs) {
    tally.add({
      prompt: promptIds.length,
      chosen: chosenIds.length,
      rejected: rejectedIds.length,
    });
  }
  return tally;
}
