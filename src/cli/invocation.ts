/** How this program was started, for usage lines and for commands that a reader can paste. */

import { fromFileUrl } from "@std/path";
import { commandLine } from "../base/command_line.ts";
import { shownPath } from "../runner/load/pipeline_source.ts";

const MOD = new URL("../../mod.ts", import.meta.url).href;

/** The words before the verb, e.g. "deno run -A mod.ts". */
export function programName(): string {
  return commandLine(["deno", "run", "-A", mainPath()]);
}

/**
 * A message in which the commands that the runner quotes (`` `oddsmith run x.yaml` ``) are those
 * that work here: with the words this program was started by.
 */
export function withOwnCommands(message: string): string {
  if (Deno.mainModule === MOD) return message.replaceAll("`oddsmith ", `\`${programName()} `);
  return message.replaceAll(`\`oddsmith run ${commandLine([mainPath()])}`, `\`${programName()}`);
}

function mainPath(): string {
  const main = Deno.mainModule;
  return main.startsWith("file:") ? shownPath(fromFileUrl(main), Deno.cwd()) : main;
}
