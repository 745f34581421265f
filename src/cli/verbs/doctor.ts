/** `doctor`: is this machine ready, and what would make it better. */

import { EXIT } from "../exit_code.ts";
import {
  checkArtifacts,
  checkDeno,
  checkStore,
  checkTensorPackages,
  checkTuning,
  checkWasm,
  checkWebGPU,
  type Finding,
} from "../doctor_checks.ts";
import { withOwnCommands } from "../invocation.ts";
import { jsonText } from "../output.ts";
import { pipelineFlags } from "../pipeline_argument.ts";
import { runsDirOf, runsFlags } from "../runs_flags.ts";
import { formatTable } from "../table.ts";
import { defineVerb } from "../verb.ts";

/** The verb. */
export const doctorVerb = defineVerb({
  name: "doctor",
  usage: "[options]",
  required: [],
  most: 0,
  flags: {
    device: { ...pipelineFlags.device, help: "Fail where this device is missing:" },
    json: { kind: "switch", help: "Write the findings as JSON." },
    ...runsFlags,
  },
  examples: [["doctor --device webgpu", "Exits with 3 where there is no WebGPU adapter."]],
  async run({ flags }, context) {
    const findings: Finding[] = [
      checkDeno(),
      checkTensorPackages(),
      await checkWebGPU(flags.device === "webgpu"),
      await checkWasm(),
      await checkTuning(),
      ...await checkStore(runsDirOf(flags)),
      await checkArtifacts(runsDirOf(flags)),
    ];
    if (flags.json) context.write(jsonText(findings));
    else {
      const rows = findings.map(({ name, state, detail }) => [name, state, detail]);
      context.write(formatTable(["check", "state", "found"], rows));
      for (const { name, hint } of findings) {
        if (hint !== undefined) context.say(withOwnCommands(`${name}: ${hint}`));
      }
    }
    const failed = findings.filter(({ state }) => state === "fail").map(({ name }) => name);
    if (failed.includes("webgpu") || failed.includes("wasm")) return EXIT.noDevice;
    return failed.length > 0 ? EXIT.stageFailed : EXIT.ok;
  },
});
