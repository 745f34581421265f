/** Runs a module as a process that may have so much memory, the software driver's included. */

import { fromFileUrl } from "@std/path";
import { skipWebGPU } from "./backends.ts";

/** True where the operating system has no such limit, or there is nothing to limit. */
export const skipLimits: boolean = skipWebGPU || Deno.build.os !== "linux";

/** Runs a module to its end. Only a driver on the CPU takes its memory from the process's. */
export async function runLimited(
  module: string,
  words: readonly string[],
  limitMiB: number,
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const script = `ulimit -d ${1024 * limitMiB} && exec "$@"`;
  const deno = [Deno.execPath(), "run", "--quiet", "--no-check", "-A", fromFileUrl(module)];
  const command = new Deno.Command("sh", {
    args: ["-c", script, "sh", ...deno, ...words],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
