/** What to type to go on with a run that stopped. */

import { commandLine, setWords } from "../../base/command_line.ts";
import { shownPath } from "../load/pipeline_source.ts";
import type { ResolvedPipeline } from "../resolved.ts";

/** A clause like "`oddsmith run quickstart.yaml --set seed=7` goes on from there". */
export function resumeAdvice(pipeline: ResolvedPipeline): string {
  if (pipeline.file === undefined) return "running the same pipeline again goes on from there";
  const words = ["oddsmith", "run", shownPath(pipeline.file, Deno.cwd())];
  for (const [target, value] of Object.entries(pipeline.overrides)) {
    words.push(...setWords(target, value));
  }
  return `\`${commandLine(words)}\` goes on from there`;
}
