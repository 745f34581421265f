/** Processor time, the clock for software adapters on a machine that others use too. */

import { cpuUsage } from "node:process";

/**
 * Milliseconds of processor time of this process, a software adapter's threads included, divided
 * by the number of processors. Unlike the wall clock it stands still while others have them.
 */
export function processorTime(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000 / navigator.hardwareConcurrency;
}
