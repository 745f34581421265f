/**
 * Flags: what a verb declares, and how the words of a command line become typed values. Parsing is
 * @std/cli's; this file adds the checks it leaves to its caller (unknown flags, missing values,
 * numbers) and knows nothing of any verb.
 */

import { parseArgs } from "@std/cli/parse-args";
import { badFlagValue, missingFlagValue, unknownChoice, unknownFlag } from "./errors.ts";

/**
 * A flag. "switch" takes no value; "text", "number" and "integer" take one; "list" may be repeated;
 * "switch-or-list" is either bare, or `--flag=a,b`; "switch-or-text" bare, or `--flag=a`.
 */
export interface Flag {
  readonly kind:
    | "switch"
    | "text"
    | "number"
    | "integer"
    | "list"
    | "switch-or-list"
    | "switch-or-text";
  /** What the value is called in help; not for switches. */
  readonly value?: string;
  readonly help: string;
  /** The values there are. */
  readonly choices?: readonly string[];
  /** The least number that makes sense. */
  readonly least?: number;
}

/** A verb's flags by name. */
export type Flags = Readonly<Record<string, Flag>>;

interface KindValues {
  switch: boolean;
  text: string;
  number: number;
  integer: number;
  list: string[];
  "switch-or-list": true | string[];
  "switch-or-text": true | string;
}

/** Values by flag; absent where the flag was not given, except switches, which are false. */
export type FlagValues<F extends Flags> = {
  readonly [K in keyof F]: F[K]["kind"] extends "switch" ? boolean
    : KindValues[F[K]["kind"]] | undefined;
};

/** What a command line says to a verb. */
export interface ParsedArguments<F extends Flags> {
  readonly flags: FlagValues<F>;
  readonly positionals: string[];
}

/**
 * Parses the words after a verb.
 *
 * @throws {OddsmithError} UNKNOWN_FLAG or FLAG_VALUE.
 */
export function parseFlags<F extends Flags>(
  words: readonly string[],
  flags: F,
  verb: string,
): ParsedArguments<F> {
  const names = (...kinds: Flag["kind"][]) =>
    Object.keys(flags).filter((name) => kinds.includes(flags[name]!.kind));
  const taken = new Map<string, string[]>();
  const rest = takeValues(
    joinNegativeNumbers(words, names("number", "integer")),
    names("switch-or-list", "switch-or-text"),
    taken,
  );
  const unknown: string[] = [];
  const parsed = parseArgs(rest, {
    boolean: [...names("switch", "switch-or-list", "switch-or-text")],
    string: ["_", ...names("text", "number", "integer", "list")],
    collect: names("list"),
    unknown: (word, key) => {
      if (key === undefined) return true;
      unknown.push(word.replace(/=.*$/s, ""));
      return false;
    },
  });
  if (unknown[0] !== undefined) throw unknownFlag(unknown[0], verb, Object.keys(flags));
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    values[name] = flagValue(name, flag, taken.get(name) ?? parsed[name]);
  }
  return { flags: values as FlagValues<F>, positionals: parsed._.map(String) };
}

/** Writes `--flag -1` as `--flag=-1`: a word that begins with "-" would be taken for a flag. */
function joinNegativeNumbers(words: readonly string[], names: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const flag = joined.at(-1);
    const isValue = /^-[\d.]/.test(word) && names.some((name) => flag === `--${name}`);
    if (isValue && !joined.includes("--")) joined[joined.length - 1] = `${flag}=${word}`;
    else joined.push(word);
  }
  return joined;
}

/** Takes `--flag=a` out of the words, for flags that may also be bare. */
function takeValues(
  words: readonly string[],
  names: readonly string[],
  into: Map<string, string[]>,
): string[] {
  const end = words.indexOf("--");
  return words.filter((word, index) => {
    const name = names.find((name) => word.startsWith(`--${name}=`));
    if (name === undefined || (end !== -1 && index > end)) return true;
    into.set(name, [...into.get(name) ?? [], word.slice(name.length + 3)]);
    return false;
  });
}

function flagValue(name: string, flag: Flag, raw: unknown): unknown {
  switch (flag.kind) {
    case "switch":
      return raw === true;
    case "switch-or-list":
      return Array.isArray(raw) ? listItems(name, raw) : raw === true ? true : undefined;
    case "switch-or-text":
      if (Array.isArray(raw)) return checkText(name, flag, raw.at(-1));
      return raw === true ? true : undefined;
    case "list":
      if (Array.isArray(raw)) { for (const item of raw) checkText(name, flag, item); }
      return Array.isArray(raw) && raw.length > 0 ? raw : undefined;
    case "text":
      return raw === undefined ? undefined : checkText(name, flag, raw);
    default:
      return raw === undefined ? undefined : toNumber(name, flag, checkText(name, flag, raw));
  }
}

function listItems(name: string, raw: readonly string[]): string[] {
  const items = raw.flatMap((text) => text.split(",")).filter((item) => item !== "");
  if (items.length === 0) throw missingFlagValue(name, "names");
  return items;
}

function checkText(name: string, flag: Flag, raw: unknown): string {
  if (typeof raw !== "string" || raw === "") throw missingFlagValue(name, flag.value ?? "value");
  if (flag.choices && !flag.choices.includes(raw)) throw unknownChoice(name, raw, flag.choices);
  return raw;
}

function toNumber(name: string, flag: Flag, text: string): number {
  const value = Number(text);
  const isInteger = flag.kind === "integer";
  const { least = -Infinity } = flag;
  const isWanted = Number.isFinite(value) && text.trim() !== "" && value >= least &&
    (!isInteger || Number.isInteger(value));
  if (isWanted) return value;
  const wanted = isInteger ? "a whole number" : "a number";
  throw badFlagValue(name, wanted + (flag.least === undefined ? "" : ` from ${least}`), text);
}
