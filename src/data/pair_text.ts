/** The words of a part of a pair, whatever its form. */

import type { Message } from "./pair.ts";

/**
 * The text of a prompt or an answer: a string as it is, the turns of a conversation joined by line
 * ends, without their roles.
 *
 * @example
 * ```ts
 * import { pairText } from "./pair_text.ts";
 * const turns = [{ role: "user", content: "Hi" }, { role: "assistant", content: "Hello" }];
 * console.assert(pairText(turns) === "Hi\nHello");
 * ```
 */
export function pairText(part: string | readonly Message[]): string {
  return typeof part === "string" ? part : part.map((turn) => turn.content).join("\n");
}
