import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { profileLines } from "../../src/cli/profile_table.ts";
import { fixture, Workplace } from "./program.ts";

const op = (label: string, totalMs: number, share: number) => ({ label, count: 4, totalMs, share });
const PROFILE = {
  method: "submit-and-wait",
  firstStep: 3,
  steps: 3,
  wallMs: 200,
  kernelMs: 150,
  untimed: 2,
  ops: [
    op("matmul", 120, 0.8),
    ...Array.from({ length: 24 }, (_, i) => op(`op ${i}`, 1.25, 1 / 120)),
  ],
};
const stage = (id: string, status: "done" | "reused", facts = {}) => ({ id, status, facts });

Deno.test("profileLines: the costliest operations, the rest together, and how they were timed", () => {
  const lines = profileLines([
    stage("ingest", "done"),
    stage("orpo", "done", { profile: PROFILE }),
  ]);
  assertEquals(lines[0], "orpo: time in kernels by operation");
  assertMatch(lines[3]!, /^ {2}matmul +4 +120\.0 +30000 +80\.0%$/);
  assertMatch(lines[23]!, /^ {2}5 others +20 +6\.3 +313 +4\.2%$/);
  const text = lines.join("\n");
  assertStringIncludes(text, "steps 3 to 5: kernels took 150ms of 200ms (75%)");
  assertStringIncludes(text, "each handed over alone and waited for");
  assertStringIncludes(text, "no time of 2 runs");
});

Deno.test("profileLines: a reused stage's profile is that of another run; without one it says why", () => {
  const reused = profileLines([stage("orpo", "reused", { profile: PROFILE })]);
  assertStringIncludes(reused[0]!, "of the run that made the reused result");
  assertEquals(profileLines([stage("orpo", "reused"), stage("report", "done")]), [
    "nothing was profiled: reused stages do not run (orpo); --force=<stage> runs one again",
  ]);
});

Deno.test("run --profile: is no part of the cache key, and says that reused stages do not run", async () => {
  await using place = await Workplace.make();
  assertEquals((await place.run("run", fixture("good.yaml"))).code, 0);
  const { code, stderr } = await place.run("run", fixture("good.yaml"), "--profile");
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "stages 2 reused");
  assertStringIncludes(stderr, "nothing was profiled: reused stages do not run (pairs, score)");
});
