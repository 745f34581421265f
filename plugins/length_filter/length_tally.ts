/** Counts how long chosen and rejected answers are, and which of the two tends to be longer. */

import type { JsonObject } from "../../mod.ts";

/** A running tally of answer lengths. */
export class LengthTally {
  #pairs = 0;
  #chosen = 0;
  #rejected = 0;
  #chosenLonger = 0;
  #rejectedLonger = 0;

  /** Pairs added so far. */
  get pairs(): number {
    return this.#pairs;
  }

  /** Adds one pair's lengths. */
  add(chosen: number, rejected: number): void {
    this.#pairs++;
    this.#chosen += chosen;
    this.#rejected += rejected;
    if (chosen > rejected) this.#chosenLonger++;
    if (rejected > chosen) this.#rejectedLonger++;
  }

  /** Mean lengths, and the shares of pairs where one answer is the longer. */
  summary(): JsonObject {
    const mean = (sum: number) => this.#pairs === 0 ? null : Number((sum / this.#pairs).toFixed(4));
    return {
      pairs: this.#pairs,
      meanChosen: mean(this.#chosen),
      meanRejected: mean(this.#rejected),
      chosenLonger: mean(this.#chosenLonger),
      rejectedLonger: mean(this.#rejectedLonger),
    };
  }
}
