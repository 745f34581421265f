/** doctor: what it finds here, and without a driver. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { fixture, Workplace } from "./program.ts";

/** Asks for a graphics API that this system has not, so that no adapter answers. */
const NO_ADAPTER = { DENO_WEBGPU_BACKEND: Deno.build.os === "windows" ? "metal" : "dx12" };

Deno.test("doctor: checks Deno, packages, devices, store and disk", async () => {
  await using place = await Workplace.make();
  const { code, stdout, stderr } = await place.run("doctor", "--json");
  assertEquals(code, 0, stderr);
  const findings: { name: string; state: string; detail: string }[] = JSON.parse(stdout);
  const names = findings.map(({ name }) => name);
  assertEquals(names, ["deno", "tfjs", "webgpu", "wasm", "kernels", "store", "disk", "artifacts"]);
  assertStringIncludes(findings[0]!.detail, Deno.version.deno);
  assertStringIncludes(findings[1]!.detail, "tfjs-backend-webgpu 4.22.0");
  assertEquals(findings[3]!.state, "ok");
  assertStringIncludes(findings[5]!.detail, `${place.dir}/runs`);
  assertEquals(await Array.fromAsync(Deno.readDir(place.dir)), []);
});

Deno.test(
  "doctor: without an adapter warns what to install; --device webgpu then exits with 3",
  async () => {
    await using place = await Workplace.make();
    const warned = await place.withEnv(NO_ADAPTER).run("doctor");
    assertEquals(warned.code, 0, warned.stderr);
    assertStringIncludes(warned.stderr, "apt-get install mesa-vulkan-drivers");
    const failed = await place.withEnv(NO_ADAPTER).run("doctor", "--device", "webgpu");
    assertEquals(failed.code, 3);
    assert(/webgpu +fail /.test(failed.stdout), failed.stdout);
  },
);

Deno.test("doctor: lists the kernels that were timed, the fastest of each class", async () => {
  await using place = await Workplace.make();
  const cache = join(place.dir, "cache");
  await Deno.mkdir(cache);
  const none = await place.withEnv({ ODDSMITH_CACHE: cache }).run("doctor");
  assertMatch(none.stdout, /kernels +ok +nothing timed yet/);
  const record = {
    version: 1,
    adapter: { vendor: "v", architecture: "", description: "A card", software: false },
    measuredAt: "2026-01-02T03:04:05.000Z",
    tuning: { matmul: { "few rows": { slow: 1, quick: 2 } } },
  };
  await Deno.writeTextFile(join(cache, "tuning-0.json"), JSON.stringify(record));
  const listed = await place.withEnv({ ODDSMITH_CACHE: cache }).run("doctor");
  assertMatch(listed.stdout, /kernels +ok +A card \(2026-01-02\): matmul few rows: quick/);
});

Deno.test("doctor: names a damaged artifact; the run that makes it again is inspected as warned", async () => {
  await using place = await Workplace.make();
  assertEquals((await place.run("run", fixture("good.yaml"))).code, 0);
  const whole = await place.run("doctor");
  assertMatch(whole.stdout, /artifacts +ok +\d stored, all whole/);
  const found = JSON.parse((await place.run("inspect", "latest", "pairs", "--json")).stdout);
  const file = join(found.dir, "train.jsonl");
  await Deno.chmod(file, 0o644);
  await Deno.writeTextFile(file, "{}\n");
  const damaged = await place.run("doctor");
  assertEquals(damaged.code, 0);
  assertMatch(damaged.stdout, /artifacts +warn +1 of \d are damaged/);
  assertStringIncludes(damaged.stdout, found.digest.slice(0, 12));
  assertEquals((await place.run("run", fixture("good.yaml"))).code, 0);
  const run = await place.run("inspect", "latest");
  assertMatch(run.stdout, /\nwarnings\n.*\npairs +the stored "pairs.pairs" is damaged/);
});

Deno.test({
  name: "doctor: a store that cannot be written fails",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using place = await Workplace.make();
    const { code, stdout } = await place.run("doctor", "--runs-dir", "/proc/nothing/runs");
    assertEquals(code, 1);
    assert(/store +fail /.test(stdout), stdout);
  },
});
