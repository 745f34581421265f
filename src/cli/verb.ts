/**
 * What a verb is to the command line: its words, and a function of them. Data goes to stdout, text
 * for people to stderr; a verb writes only through its context, and returns its exit code.
 */

import type { ExitCode } from "./exit_code.ts";
import type { Flags, FlagValues } from "./flags.ts";
import type { InputStream } from "./input.ts";
import type { AnyStage, PipelineSpec } from "../runner/contract.ts";

/** What a verb works in. */
export interface CliContext {
  /** Built-in stages by name. */
  readonly registry: ReadonlyMap<string, AnyStage>;
  /** A pipeline file that runs itself; stands in for the pipeline argument. */
  readonly own?: OwnPipeline;
  /** What comes in on stdin. */
  readonly stdin: InputStream;
  /** Whether a person reads stdout as it comes. */
  readonly isTerminal: boolean;
  /** Writes data to stdout, as it is. */
  write(text: string): void;
  /** Writes to stderr, as it is: for what redraws itself. */
  show(text: string): void;
  /** Writes a line for people to stderr. */
  say(line: string): void;
}

/** The pipeline of a file that is run as a program. */
export interface OwnPipeline {
  /** Absolute. */
  readonly file: string;
  readonly spec: PipelineSpec;
}

/** The words given to a verb. */
export interface VerbInput<F extends Flags> {
  readonly flags: FlagValues<F>;
  readonly positionals: readonly string[];
}

/** A verb. */
export interface Verb<F extends Flags = Flags> {
  readonly name: string;
  /** What follows the verb, e.g. "<pipeline> [options]". */
  readonly usage: string;
  /** Names of the positionals that must be given, in order. */
  readonly required: readonly string[];
  /** How many positionals there may be; Infinity for any number. */
  readonly most: number;
  readonly flags: F;
  /** Command lines after the program's name, each with what it does. */
  readonly examples?: readonly (readonly [command: string, does: string])[];
  run(input: VerbInput<F>, context: CliContext): Promise<ExitCode>;
}

// deno-lint-ignore no-explicit-any
export type AnyVerb = Verb<any>;

/** Declares a verb, so that its `run` sees its own flags' types. */
export function defineVerb<const F extends Flags>(verb: Verb<F>): Verb<F> {
  return verb;
}
