/**
 * Runs the bench files, each in a process of its own, prints their figures and writes them with
 * what they were measured on to bench/results.json.
 *
 *     deno task bench [name ...]        e.g. deno task bench matmul
 */

import { basename, dirname, fromFileUrl, join } from "@std/path";
import { writeFileAtomic } from "../src/base/atomic.ts";
import { openDevice } from "../src/tensor/device.ts";
import { type Figure, figureLine, isReached } from "./harness.ts";

const FOLDER = dirname(fromFileUrl(import.meta.url));
const RESULTS = join(FOLDER, "results.json");

/** Bench files in the order they run; each prints its figures as JSON under --json. */
const BENCHES = [
  "matmul",
  "attention",
  "head",
  "packing",
  "step",
  "linear",
  "memory",
  "trl",
  "text",
];

async function figuresOf(bench: string): Promise<Figure[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(FOLDER, `${bench}.ts`), "--json"],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const figures: Figure[] = [];
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(lineSplitter());
  for await (const line of lines) {
    const figure = JSON.parse(line) as Figure;
    console.log(figureLine(figure));
    figures.push(figure);
  }
  const { success } = await child.status;
  if (!success) throw new Error(`bench/${bench}.ts failed`);
  return figures;
}

function lineSplitter(): TransformStream<string, string> {
  let rest = "";
  return new TransformStream({
    transform(chunk, controller) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) controller.enqueue(line);
    },
  });
}

const unknown = Deno.args.filter((name) => !BENCHES.includes(name));
if (unknown.length > 0) {
  console.error(`Cannot run bench "${unknown[0]}": expected one of ${BENCHES.join(", ")}`);
  Deno.exit(2);
}
const chosen = Deno.args.length > 0 ? Deno.args : BENCHES;
const { note, adapter } = await openDevice("webgpu");
console.log(note);
const figures: Figure[] = [];
for (const bench of chosen) figures.push(...await figuresOf(bench));
const missed = figures.filter((figure) => !isReached(figure, figure.must));
const results = {
  measuredAt: new Date().toISOString(),
  adapter,
  processors: navigator.hardwareConcurrency,
  deno: Deno.version.deno,
  target: Deno.build.target,
  figures,
};
await writeFileAtomic(RESULTS, JSON.stringify(results, null, 2) + "\n");
console.log(`${figures.length} figures in ${basename(FOLDER)}/${basename(RESULTS)}`);
if (missed.length > 0) {
  console.error(`${missed.length} of them miss what must be reached`);
  Deno.exit(1);
}
