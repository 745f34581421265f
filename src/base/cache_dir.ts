/**
 * The folder of what this user's machine may forget: ODDSMITH_CACHE, else `oddsmith` in
 * XDG_CACHE_HOME or ~/.cache.
 */

import { join } from "@std/path";

/** The project's cache folder; undefined where the environment names no home. It may not exist. */
export function cacheDir(): string | undefined {
  const own = Deno.env.get("ODDSMITH_CACHE");
  if (own) return own;
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE");
  const base = Deno.env.get("XDG_CACHE_HOME") || (home && join(home, ".cache"));
  return base ? join(base, "oddsmith") : undefined;
}
