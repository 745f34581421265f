/** Command lines as people paste them into a shell: words quoted, `--set` values as they are read. */

import type { Json } from "./json.ts";

/** Joins words into a line that a POSIX shell takes apart into the same words. */
export function commandLine(words: readonly string[]): string {
  return words.map(shellQuote).join(" ");
}

/** The words `--set target=value`, the value as YAML: quoted only where text would be misread. */
export function setWords(target: string, value: Json): [string, string] {
  const isPlain = typeof value === "string" && /^[a-z_][\w./-]*$/i.test(value) &&
    !/^(true|false|null)$/i.test(value);
  return ["--set", `${target}=${isPlain ? value : JSON.stringify(value)}`];
}

function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
