/** The versions a manifest names. */

import config from "../../../deno.json" with { type: "json" };
import type { Versions } from "./manifest.ts";

/** Oddsmith's own version. */
export const VERSION: string = config.version;

/** Versions of Oddsmith, Deno, V8 and the system; asks for no permission. */
export async function versions(): Promise<Versions> {
  const system = [Deno.build.os as string, Deno.build.arch as string];
  const may = await Deno.permissions.query({ name: "sys", kind: "osRelease" });
  if (may.state === "granted") system.push(Deno.osRelease());
  return {
    oddsmith: VERSION,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    os: system.join(" "),
  };
}
