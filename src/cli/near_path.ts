/** Paths as people type them. */

import { relative } from "@std/path";

/** A path from the working directory where it lies below it, otherwise as it is. */
export function nearPath(path: string): string {
  const near = relative(Deno.cwd(), path);
  return near === "" ? "." : near.startsWith("..") ? path : near;
}
