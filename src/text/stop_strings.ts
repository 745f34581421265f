/**
 * Ends a text at the first of some strings, wherever its pieces are cut. Text that may turn out to
 * be the beginning of such a string is held back, so that no part of one is ever shown.
 */

/** What is certain after a piece. */
export interface CertainText {
  /** Text that can be shown. */
  readonly text: string;
  /** Whether a string was found; the text ends before it. */
  readonly found: boolean;
}

/** Looks for strings in a text that comes in pieces. */
export class StopStrings {
  readonly #strings: readonly string[];
  #held = "";
  #found = false;

  /** Takes the strings; empty ones, which would end every text, are left out. */
  constructor(strings: readonly string[]) {
    this.#strings = strings.filter((string) => string !== "");
  }

  /** Takes a piece. After a string was found, nothing more is shown. */
  push(piece: string): CertainText {
    if (this.#found) return { text: "", found: true };
    const text = this.#held + piece;
    const places = this.#strings.map((string) => text.indexOf(string)).filter((at) => at >= 0);
    if (places.length > 0) {
      this.#found = true;
      this.#held = "";
      return { text: text.slice(0, Math.min(...places)), found: true };
    }
    const certain = text.length - Math.max(0, ...this.#strings.map((one) => overlap(text, one)));
    this.#held = text.slice(certain);
    return { text: text.slice(0, certain), found: false };
  }

  /** Gives what is held back, once there are no more pieces. */
  end(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }
}

/** The length of the longest end of a text that is a beginning of a string. */
function overlap(text: string, string: string): number {
  const longest = Math.min(text.length, string.length - 1);
  for (let length = longest; length > 0; length--) {
    if (text.endsWith(string.slice(0, length))) return length;
  }
  return 0;
}
