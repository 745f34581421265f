/** Whether a value is a stage by the contract; plugins come from anywhere, so nothing is assumed. */

import { API_VERSION, type ArtifactType, type InputPort } from "../contract.ts";

/** What a port takes: an input's type, whether it may be absent, and which output it prefers. */
export interface PortDemand {
  /** The artifact type. */
  readonly type: ArtifactType<unknown>;
  /** True: the stage also runs without it. */
  readonly optional: boolean;
  /** Which of several earlier outputs it takes. */
  readonly pick: "nearest" | "first";
}

/** Reads a stage's input port in its long form, however it was declared. */
export function portDemand(port: ArtifactType<unknown> | InputPort): PortDemand {
  return "type" in port ? port : { type: port, optional: false, pick: "nearest" };
}

/** An artifact type as messages name it, e.g. "preference-pairs@1". */
export function kindName(type: { kind: string; version: number }): string {
  return `${type.kind}@${type.version}`;
}

/** True where a stage was written for this version of the contract. */
export function hasApiVersion(value: unknown): boolean {
  return isObject(value) && value.apiVersion === API_VERSION;
}

/**
 * What keeps a value from being a stage, one sentence each, e.g. `"run" is not a function`; empty
 * where it is one.
 */
export function stageFaults(value: unknown): string[] {
  if (!isObject(value)) return ["it is not an object"];
  const faults = ["name", "version", "summary"]
    .filter((field) => typeof value[field] !== "string" || value[field] === "")
    .map((field) => `"${field}" is not text`);
  if (typeof value.apiVersion !== "number") faults.unshift(`"apiVersion" is not a number`);
  faults.push(...portFaults(value.inputs, "inputs"), ...portFaults(value.outputs, "outputs"));
  if (!isSchema(value.config)) faults.push(`"config" is not a Standard Schema`);
  if (typeof value.run !== "function") faults.push(`"run" is not a function`);
  for (const name of ["sources", "prepare", "forecast"]) {
    if (value[name] === undefined || typeof value[name] === "function") continue;
    faults.push(`"${name}" is not a function`);
  }
  if (value.volatile !== undefined && !Array.isArray(value.volatile)) {
    faults.push(`"volatile" is not a list`);
  }
  if (value.cache !== undefined && value.cache !== "content" && value.cache !== "never") {
    faults.push(`"cache" is neither "content" nor "never"`);
  }
  return faults;
}

function portFaults(ports: unknown, field: "inputs" | "outputs"): string[] {
  if (!isObject(ports)) return [`"${field}" is not an object`];
  return Object.entries(ports)
    .filter(([, port]) =>
      !isArtifactType(port) && !(field === "inputs" && isObject(port) && isArtifactType(port.type))
    )
    .map(([name]) => `"${field}.${name}" is not an artifact type`);
}

function isArtifactType(value: unknown): boolean {
  return isObject(value) && typeof value.kind === "string" && typeof value.version === "number" &&
    typeof value.write === "function" && typeof value.read === "function";
}

function isSchema(value: unknown): boolean {
  if (!isObject(value)) return false;
  const standard = value["~standard"];
  return isObject(standard) && standard.version === 1 && typeof standard.validate === "function";
}

/** Schemas may be functions (ArkType's are), so these count. */
function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === "object" || typeof value === "function") && value !== null;
}
