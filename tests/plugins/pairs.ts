/** Preference pairs for the plugins' tests. */

import type { StandardPair } from "../../mod.ts";

/** A pair in the standard form. */
export function pairOf(
  id: string,
  texts: Partial<Pick<StandardPair, "prompt" | "chosen" | "rejected">>,
): StandardPair {
  return {
    form: "standard",
    id,
    source: "test:1",
    prompt: "Name three primary colours, please.",
    chosen: "Red, yellow and blue are the primary colours of paint.",
    rejected: "I do not know any colours at all, sorry about that.",
    ...texts,
  };
}
