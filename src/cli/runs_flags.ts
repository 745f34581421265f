/** The flag of every verb that looks at runs. */

import type { Flag } from "./flags.ts";

/** Where runs are looked for. */
export const runsFlags = {
  "runs-dir": { kind: "text", value: "folder", help: "Where runs are kept (default: runs)." },
} as const satisfies Record<string, Flag>;

/** The folder that `--runs-dir` names, or the default one. */
export function runsDirOf(flags: { readonly "runs-dir": string | undefined }): string {
  return flags["runs-dir"] ?? "runs";
}
