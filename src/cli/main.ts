/** The command line's entry: finds the verb, parses its words, runs it, turns errors into codes. */

import { OddsmithError } from "../base/error.ts";
import { PipelineProblems } from "../runner/errors.ts";
import { builtinStages } from "../../stages/mod.ts";
import { extraArgument, missingArgument, unknownVerb } from "./errors.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit_code.ts";
import { parseFlags } from "./flags.ts";
import { programHelp, usageLine, verbHelp } from "./help.ts";
import { withOwnCommands } from "./invocation.ts";
import { type OutputStreams, writeOutput } from "./output.ts";
import type { AnyVerb, CliContext, OwnPipeline } from "./verb.ts";
import { loadVerb, verbSummaries } from "./verbs.ts";
import { versionText } from "./version.ts";

const OWN_VERBS: readonly string[] = ["run", "plan", "validate"];

/**
 * Runs a command line and returns its exit code; never throws. Data goes to stdout, text for
 * people to stderr.
 *
 * @param words The words after the program's name.
 * @param own The pipeline of a file that runs itself; the verbs are then run, plan and validate,
 *   and take no pipeline argument.
 * @param streams Default: the process's.
 */
export async function main(
  words: readonly string[],
  own?: OwnPipeline,
  { stdin = Deno.stdin, stdout, stderr }: OutputStreams = Deno,
): Promise<ExitCode> {
  const context: CliContext = {
    registry: builtinStages,
    own,
    stdin,
    isTerminal: stdout.isTerminal?.() ?? false,
    write: (text) => writeOutput(stdout, text),
    show: (text) => writeOutput(stderr, text),
    say: (line) => writeOutput(stderr, line + "\n"),
  };
  try {
    return await dispatch(words, context);
  } catch (error) {
    context.say(withOwnCommands(describeError(error)));
    return exitCodeOf(error);
  }
}

async function dispatch(words: readonly string[], context: CliContext): Promise<ExitCode> {
  const isOwn = context.own !== undefined;
  const known = isOwn
    ? new Map([...verbSummaries].filter(([name]) => OWN_VERBS.includes(name)))
    : verbSummaries;
  const [head, ...rest] = words;
  if (isHelp(head) || (head === "help" && rest.length === 0)) {
    context.write(programHelp(known, isOwn));
    return EXIT.ok;
  }
  if (head === "help" && known.has(rest[0]!)) return await runVerb(rest[0]!, ["--help"], context);
  if (head === "--version") {
    context.write(await versionText());
    return EXIT.ok;
  }
  if (head !== undefined && known.has(head)) return await runVerb(head, rest, context);
  if (isOwn && (head === undefined || head.startsWith("-"))) {
    return await runVerb("run", words, context);
  }
  if (head === undefined) {
    context.say(programHelp(known, isOwn).trimEnd());
    return EXIT.badUsage;
  }
  if (!isOwn && looksLikeFile(head)) return await runVerb("run", words, context);
  throw unknownVerb(head, [...known.keys()]);
}

async function runVerb(
  name: string,
  words: readonly string[],
  context: CliContext,
): Promise<ExitCode> {
  const verb = await loadVerb(name);
  if (words.some(isHelp)) {
    context.write(verbHelp(verb, verbSummaries.get(name)!, context.own !== undefined));
    return EXIT.ok;
  }
  const input = parseFlags(words, verb.flags, name);
  checkCount(verb, input.positionals, context);
  return await verb.run(input, context);
}

function checkCount(verb: AnyVerb, given: readonly string[], context: CliContext): void {
  const isOwn = context.own !== undefined;
  const spared = isOwn && verb.required[0] === "pipeline" ? 1 : 0;
  const missing = verb.required[given.length + spared];
  if (missing !== undefined) throw missingArgument(verb.name, usageLine(verb, isOwn), missing);
  const extra = given[verb.most - spared];
  if (extra !== undefined) throw extraArgument(verb.name, usageLine(verb, isOwn), extra);
}

function isHelp(word: string | undefined): boolean {
  return word === "--help" || word === "-h";
}

function looksLikeFile(word: string): boolean {
  return /\.(ya?ml|jsonc?|[mc]?[jt]s)$/.test(word) || /[/\\]/.test(word);
}

function describeError(error: unknown): string {
  if (error instanceof OddsmithError || error instanceof PipelineProblems) return error.format();
  if (!(error instanceof Error)) return String(error);
  // What the operating system refuses is no fault of the program: its message says it all.
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? `SystemError ${code}: ${error.message}` : error.stack!;
}
