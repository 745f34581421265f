/** The errors of the operations. */

import { OddsmithError } from "../base/error.ts";

/** A loop that the driver would leave before its end. */
export function loopExceeded(what: string, asked: number, allowed: number): OddsmithError {
  return new OddsmithError(
    "DeviceError",
    "LIMIT_EXCEEDED",
    `Cannot compute ${what}: it takes ${asked} steps in one lane, this driver allows ${allowed}`,
    { hint: "lower maxLength" },
  );
}
