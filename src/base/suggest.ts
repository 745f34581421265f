/** The nearest known name to one that was mistyped, for hints. Any layer may use it. */

import { levenshteinDistance } from "@std/text/levenshtein-distance";

/**
 * Finds the known name that `name` was most likely meant to be: the same but for case, hyphens and
 * underscores, or within a third of its letters. Undefined where nothing is near.
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const wanted = plain(name);
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of known) {
    const distance = levenshteinDistance(wanted, plain(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * Writes a hint for an unknown name: the nearest known one, then all of them, e.g.
 * `did you mean "beta"? options: beta, epochs`.
 *
 * @param what Names the list, in the plural.
 */
export function suggest(name: string, known: Iterable<string>, what: string): string {
  const names = [...known].sort();
  const list = names.length === 0 ? `there are no ${what}` : `${what}: ${names.join(", ")}`;
  const nearest = nearestName(name, names);
  return nearest === undefined ? list : `did you mean "${nearest}"? ${list}`;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_\s]/g, "");
}
