/** How this program was started, for usage lines and for commands that a reader can paste. */

import { fromFileUrl } from "@std/path";
import { nearPath } from "./near_path.ts";

const MOD = new URL("../../mod.ts", import.meta.url).href;

/** The words before the verb, e.g. "deno run -A mod.ts". */
export function programName(): string {
  return `deno run -A ${shellQuote(mainPath())}`;
}

/**
 * A message in which the commands that the runner quotes (`` `oddsmith run x.yaml` ``) are those
 * that work here: with the words this program was started by.
 */
export function withOwnCommands(message: string): string {
  if (Deno.mainModule === MOD) return message.replaceAll("`oddsmith ", `\`${programName()} `);
  return message.replaceAll(`\`oddsmith run ${shellQuote(mainPath())}`, `\`${programName()}`);
}

/** Quotes a word where a POSIX shell would not take it as it is. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function mainPath(): string {
  const main = Deno.mainModule;
  return main.startsWith("file:") ? nearPath(fromFileUrl(main)) : main;
}
