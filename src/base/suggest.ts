/** Hints for a name that is not known: the nearest known one, and the list. */

import { nearestName } from "./nearest.ts";

/**
 * Writes a hint for an unknown name, e.g. `did you mean "beta"? options: beta, epochs`.
 *
 * @param what Names the list, in the plural.
 */
export function suggest(name: string, known: Iterable<string>, what: string): string {
  const names = [...known].sort();
  const list = names.length === 0 ? `there are no ${what}` : `${what}: ${names.join(", ")}`;
  const nearest = nearestName(name, names);
  return nearest === undefined ? list : `did you mean "${nearest}"? ${list}`;
}
