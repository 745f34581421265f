/** Runs a pipeline that is its own program: `deno run -A pipelines/quickstart.ts plan`. */

import { fromFileUrl } from "@std/path";
import type { PipelineSpec } from "../runner/contract.ts";

/** The part of `import.meta` that `runMain` needs. */
export interface MainModule {
  /** The pipeline module's address. */
  readonly url: string;
}

/**
 * Runs a typed pipeline as a command line, and ends the process with its exit code. Takes what
 * `run` takes (`--set`, `--until`, `--only`, `--force`, `--seed`, `--device`, `--json`), and `run`,
 * `plan` or `validate` as a first word. Relative paths in options start at the module's folder.
 *
 * @example
 * ```ts ignore
 * if (import.meta.main) await runMain(import.meta, pipeline);
 * ```
 */
export async function runMain(
  module: MainModule,
  pipeline: { readonly spec: PipelineSpec },
): Promise<never> {
  const { main } = await import("./main.ts");
  const file = fromFileUrl(module.url);
  Deno.exit(await main(Deno.args, { file, spec: pipeline.spec }));
}
