/** "Did you mean": the known name nearest to one that is not known. */

import { levenshteinDistance } from "@std/text/levenshtein-distance";

/**
 * The known name a reader most likely meant, or undefined where none is near: at most a third of
 * its letters (and at least two) may differ.
 *
 * @example
 * ```ts
 * import { nearestName } from "./nearest.ts";
 * console.assert(nearestName("tokenise", ["template", "tokenize"]) === "tokenize");
 * console.assert(nearestName("zzz", ["template", "tokenize"]) === undefined);
 * ```
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const distance = levenshteinDistance(name.toLowerCase(), candidate.toLowerCase());
    const allowed = Math.max(2, Math.floor(Math.max(name.length, candidate.length) / 3));
    if (distance <= allowed && distance < least && distance < candidate.length) {
      nearest = candidate;
      least = distance;
    }
  }
  return nearest;
}
