/** The text of `--version`. */

import { versions } from "../runner/run/versions.ts";

/** Oddsmith's version, and those of what it runs on. */
export async function versionText(): Promise<string> {
  const { oddsmith, deno, v8, os } = await versions();
  return `oddsmith ${oddsmith}\ndeno ${deno}, v8 ${v8}, ${os}\n`;
}
