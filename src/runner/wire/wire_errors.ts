/** Errors of connecting stages: inputs without a producer, wrong kinds, references, cycles. */

import type { ErrorLocation, OddsmithError } from "../../base/error.ts";
import { suggest } from "../../base/suggest.ts";
import { pipelineError } from "../errors.ts";

type Place = ErrorLocation | undefined;

/** An output of a kind the input does not take. */
export function portMismatch(
  from: string,
  to: string,
  expected: string,
  received: string,
  hint: string | undefined,
  location: Place,
): OddsmithError {
  return pipelineError(
    "PORT_MISMATCH",
    `Cannot connect "${from}" to "${to}": expected "${expected}", received "${received}"`,
    { location, hint },
  );
}

/** A required input that nothing before the stage gives. */
export function noProducer(
  input: string,
  expected: string,
  otherVersions: readonly string[],
  hint: string | undefined,
  location: Place,
): OddsmithError {
  const near = otherVersions.length === 0 ? "" : ` (there is ${otherVersions.join(", ")})`;
  return pipelineError(
    "NO_PRODUCER",
    `Cannot connect "${input}": no earlier stage gives "${expected}"${near}`,
    { location, hint },
  );
}

/** Several outputs that an input could take, none nearer than the others. */
export function ambiguousInput(
  input: string,
  port: string,
  expected: string,
  candidates: readonly string[],
  location: Place,
): OddsmithError {
  const names = candidates.map((name) => `"${name}"`).join(" and ");
  const both = candidates.length === 2 ? "both" : "all";
  return pipelineError(
    "AMBIGUOUS_INPUT",
    `Cannot connect "${input}": ${names} ${both} give "${expected}"`,
    { location, hint: `name one, e.g. "inputs: { ${port}: ${candidates[0]} }"` },
  );
}

/** `inputs` names a port that the stage does not have. */
export function unknownInput(
  port: string,
  stageId: string,
  known: readonly string[],
  location: Place,
): OddsmithError {
  return pipelineError(
    "UNKNOWN_INPUT",
    `Cannot connect "${stageId}.${port}": the stage has no such input`,
    {
      location,
      hint: suggest(port, known, "inputs"),
    },
  );
}

/** A reference to a stage that is not there. */
export function unknownReference(
  ref: string,
  stageId: string,
  known: readonly string[],
  location: Place,
): OddsmithError {
  return pipelineError(
    "UNKNOWN_REFERENCE",
    `Cannot follow the reference "${ref}": no stage has the id "${stageId}"`,
    {
      location,
      hint: suggest(stageId, known, "stages"),
    },
  );
}

/** A reference to an output that its stage does not give. */
export function unknownOutput(
  ref: string,
  stageId: string,
  port: string,
  known: readonly string[],
  location: Place,
): OddsmithError {
  const reason = port === ""
    ? `"${stageId}" gives nothing of the kind`
    : `"${stageId}" has no output "${port}"`;
  return pipelineError("UNKNOWN_OUTPUT", `Cannot follow the reference "${ref}": ${reason}`, {
    location,
    hint: suggest(port, known, "outputs"),
  });
}

/** Stages that need each other's outputs; each id needs the next, the last one the first. */
export function cycle(ids: readonly string[], location: Place): OddsmithError {
  const path = [...ids, ids[0]].map((id) => `"${id}"`).join(" needs ");
  return pipelineError("CYCLE", `Cannot order the stages: ${path}`, {
    location,
    hint: `change one of their "inputs"`,
  });
}
