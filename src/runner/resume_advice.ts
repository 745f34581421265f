/** What to type to go on with a run that stopped. */

import { relative } from "@std/path";
import type { ResolvedPipeline } from "./resolved.ts";

/** A clause like "`oddsmith run quickstart.yaml --set stages.orpo.with.beta=0.5` goes on from there". */
export function resumeAdvice(pipeline: ResolvedPipeline): string {
  if (pipeline.file === undefined) return "running the same pipeline again goes on from there";
  const near = relative(Deno.cwd(), pipeline.file);
  const words = ["oddsmith", "run", near.startsWith("..") ? pipeline.file : near];
  for (const [path, value] of Object.entries(pipeline.overrides)) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    words.push("--set", `${path}=${text}`);
  }
  return `\`${words.map(shellWord).join(" ")}\` goes on from there`;
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
