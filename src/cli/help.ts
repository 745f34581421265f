/** The help texts: of the program, and of one verb. Made from what the verbs declare. */

import type { Flags } from "./flags.ts";
import { programName } from "./invocation.ts";
import type { AnyVerb } from "./verb.ts";

/**
 * The list of verbs, for `--help` and for a command line without any words.
 *
 * @param isOwn Whether the program is a pipeline that runs itself.
 */
export function programHelp(verbs: ReadonlyMap<string, string>, isOwn: boolean): string {
  const program = programName();
  return [
    "Oddsmith: ORPO preference training of language models, from a pipeline file.",
    "",
    `usage: ${program} [verb] [${isOwn ? "" : "arguments] ["}options]`,
    isOwn
      ? "       without a verb, it runs the pipeline"
      : `       ${program} <pipeline>, the same as "run <pipeline>"`,
    "",
    ...columns([...verbs]),
    "",
    `"${program} <verb> --help" says more. --version prints the versions.`,
    "Exit codes: 0 ok, 1 a stage failed, 2 bad usage or pipeline, 3 no suitable device, " +
    "130 interrupted.",
    "",
  ].join("\n");
}

/** One verb's help. */
export function verbHelp(verb: AnyVerb, summary: string, isOwn: boolean): string {
  const program = programName();
  const lines = [summary, "", `usage: ${usageLine(verb, isOwn)}`, ""];
  lines.push(...columns(flagRows(verb.flags)));
  if (verb.examples && !isOwn) {
    lines.push("", "examples:");
    for (const [command, does] of verb.examples) {
      lines.push(`  ${program} ${command}`, `      ${does}`);
    }
  }
  return lines.join("\n") + "\n";
}

/** The usage line of a verb, for errors. */
export function usageLine(verb: AnyVerb, isOwn: boolean): string {
  const usage = isOwn ? verb.usage.replace("<pipeline> ", "") : verb.usage;
  return `${programName()} ${verb.name} ${usage}`;
}

function flagRows(flags: Flags): [string, string][] {
  const rows = Object.entries(flags).map(([name, flag]): [string, string] => {
    const value = flag.kind === "switch"
      ? ""
      : flag.kind === "switch-or-list" || flag.kind === "switch-or-text"
      ? `[=<${flag.value ?? "names"}>]`
      : ` <${flag.value ?? "value"}>`;
    const choices = flag.choices ? ` (${flag.choices.join(" | ")})` : "";
    return [`--${name}${value}`, flag.help + choices];
  });
  return [...rows, ["--help", "Print this help."]];
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
