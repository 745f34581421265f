/** What `doctor` looks at: this machine's devices, the folder that runs are kept in, versions. */

import { dirname, join, resolve } from "@std/path";
import { statfs } from "node:fs/promises";
import { format as formatBytes } from "@std/fmt/bytes";
import config from "../../deno.json" with { type: "json" };
import { OddsmithError } from "../base/error.ts";
import { verifyStore } from "../runner/store/store.ts";

/** What a check found. */
export interface Finding {
  /** What was looked at. */
  readonly name: string;
  /** "warn": works, but not as well as it could. */
  readonly state: "ok" | "warn" | "fail";
  readonly detail: string;
  /** What to do about it. */
  readonly hint?: string;
}

const LEAST_DENO = [2, 9] as const;
const LEAST_FREE_BYTES = 2 ** 30;

/** Deno's version against the least one. */
export function checkDeno(): Finding {
  const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
  const isNew = major > LEAST_DENO[0] || (major === LEAST_DENO[0] && minor >= LEAST_DENO[1]);
  const detail = `${Deno.version.deno}, ${Deno.build.target}`;
  return isNew ? { name: "deno", state: "ok", detail } : {
    name: "deno",
    state: "warn",
    detail,
    hint: `deno upgrade (${LEAST_DENO.join(".")} or newer)`,
  };
}

/** The tensor packages that deno.json pins. */
export function checkTensorPackages(): Finding {
  const versions = Object.entries(config.imports)
    .filter(([name]) => name.startsWith("@tensorflow/"))
    .map(([name, specifier]) =>
      `${name.slice("@tensorflow/".length)} ${specifier.slice(specifier.lastIndexOf("@") + 1)}`
    );
  return { name: "tfjs", state: "ok", detail: versions.join(", ") };
}

/**
 * WebGPU: adapter and limits. Without one a warning, or a failure where it is asked for by name.
 */
export async function checkWebGPU(isAskedFor: boolean): Promise<Finding> {
  const { openDevice } = await import("../tensor/device.ts");
  try {
    const { note, limits, adapter } = await openDevice("webgpu");
    const buffer = formatBytes(limits.maxBufferBytes, { binary: true });
    return {
      name: "webgpu",
      state: adapter?.software ? "warn" : "ok",
      detail: `${note}; buffers up to ${buffer}`,
      hint: adapter?.software ? "a GPU with its Vulkan driver is many times faster" : undefined,
    };
  } catch (error) {
    return deviceFinding("webgpu", error, isAskedFor ? "fail" : "warn");
  }
}

/** The WebAssembly backend: what runs where there is no adapter. */
export async function checkWasm(): Promise<Finding> {
  const { openDevice } = await import("../tensor/device.ts");
  try {
    return { name: "wasm", state: "ok", detail: (await openDevice("wasm")).note };
  } catch (error) {
    return deviceFinding("wasm", error, "fail");
  }
}

/** Whether results can be stored, and how much room there is. */
export async function checkStore(runsDir: string): Promise<Finding[]> {
  const dir = await nearestFolder(resolve(runsDir));
  return [await checkWritable(runsDir, dir), await checkFree(dir)];
}

async function checkWritable(runsDir: string, dir: string): Promise<Finding> {
  const probe = join(dir, `.tmp-doctor-${crypto.randomUUID().slice(0, 8)}`);
  try {
    await Deno.writeTextFile(probe, "", { createNew: true });
    await Deno.remove(probe);
    return { name: "store", state: "ok", detail: `${resolve(runsDir)} can be written` };
  } catch (error) {
    return {
      name: "store",
      state: "fail",
      detail: `${dir} cannot be written: ${error instanceof Error ? error.message : error}`,
      hint: "set runsDir in the pipeline to a folder of your own",
    };
  }
}

async function checkFree(dir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(dir);
  const freeBytes = Number(bavail) * Number(bsize);
  const detail = `${formatBytes(freeBytes, { binary: true })} free`;
  return freeBytes >= LEAST_FREE_BYTES
    ? { name: "disk", state: "ok", detail }
    : { name: "disk", state: "warn", detail, hint: "`oddsmith gc --keep-runs=1` frees old runs" };
}

/** Hashes what is stored; damaged artifacts are no failure, because runs make them again. */
export async function checkArtifacts(runsDir: string): Promise<Finding> {
  let count = 0;
  const damaged: string[] = [];
  for await (const { digest, state } of verifyStore(resolve(runsDir))) {
    count++;
    if (state.state !== "ok") damaged.push(digest.slice(0, 12));
  }
  if (damaged.length === 0) {
    return { name: "artifacts", state: "ok", detail: `${count} stored, all whole` };
  }
  return {
    name: "artifacts",
    state: "warn",
    detail: `${damaged.length} of ${count} are damaged: ${damaged.join(", ")}`,
    hint: "a run that needs one makes it again",
  };
}

/** The folder itself, or the nearest one above it that is there. */
async function nearestFolder(dir: string): Promise<string> {
  const isThere = await Deno.stat(dir).then((info) => info.isDirectory, () => false);
  return isThere || dirname(dir) === dir ? dir : await nearestFolder(dirname(dir));
}

function deviceFinding(name: string, error: unknown, state: "warn" | "fail"): Finding {
  const detail = error instanceof Error ? error.message : String(error);
  return { name, state, detail, hint: error instanceof OddsmithError ? error.hint : undefined };
}

/** Which matrix product each measured adapter takes, by class of problem. */
export async function checkTuning(): Promise<Finding> {
  const { listTunings } = await import("../tensor/tuning_file.ts");
  const records = await listTunings();
  const fastest = (speeds: Readonly<Record<string, number>>): string | undefined =>
    Object.entries(speeds).sort(([, a], [, b]) => b - a)[0]?.[0];
  const adapters = records.map(({ adapter, tuning, measuredAt }) => {
    const ways = Object.entries(tuning).flatMap(([kernel, classes]) =>
      Object.entries(classes).map(([name, speeds]) => `${kernel} ${name}: ${fastest(speeds)}`)
    );
    return `${adapter.description || adapter.vendor} (${measuredAt.slice(0, 10)}): ${
      ways.join(", ")
    }`;
  });
  const detail = adapters.join("; ") || "nothing timed yet: the first training on WebGPU will";
  return { name: "kernels", state: "ok", detail };
}
