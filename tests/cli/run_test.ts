/** run, plan and validate, as processes on small pipelines. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { fixture, Workplace } from "./program.ts";

const GOOD = fixture("good.yaml");

Deno.test("run: runs, then reuses everything, and says where the results are", async () => {
  await using place = await Workplace.make();
  const first = await place.run("run", GOOD);
  assertEquals(first.code, 0, first.stderr);
  assertEquals(first.stdout, "");
  assertStringIncludes(first.stderr, "[1/2] pairs started (new)");
  assertMatch(first.stderr, /\[2\/2\] score done in \d/);
  assertStringIncludes(first.stderr, "score: accuracy 0.5 -> 0.75");
  const report = /report: (\S+)/.exec(first.stderr)![1]!;
  assertEquals(await Deno.readTextFile(`${place.dir}/${report}`), "<!doctype html>");

  const second = await place.run(GOOD);
  assertEquals(second.code, 0, second.stderr);
  assertStringIncludes(second.stderr, "stages 2 reused");
});

Deno.test("run --json: writes status, stages, figures and report to stdout", async () => {
  await using place = await Workplace.make();
  const { code, stdout } = await place.run("run", GOOD, "--json", "--seed=7");
  assertEquals(code, 0);
  const summary = JSON.parse(stdout);
  assertEquals(summary.status, "done");
  assertEquals(summary.stages.map((stage: { id: string }) => stage.id), ["pairs", "score"]);
  assertEquals(summary.stages[0].facts, { made: 4 });
  assertEquals(summary.summaries.score[0].after.metrics["eval_rewards/accuracies"], 0.75);
  assert(summary.report.startsWith(summary.runDir));
  const manifest = JSON.parse(await Deno.readTextFile(`${summary.runDir}/manifest.json`));
  assertEquals(manifest.seed, 7);
});

Deno.test("run: --set, --until, --only and --force do what they say", async () => {
  await using place = await Workplace.make();
  const until = JSON.parse((await place.run("run", GOOD, "--until", "pairs", "--json")).stdout);
  assertEquals(statuses(until), ["done", "skipped"]);
  const set = ["--set", "stages.score.with.accuracy=0.9"];
  const only = JSON.parse((await place.run("run", GOOD, "--only=score", ...set, "--json")).stdout);
  assertEquals(statuses(only), ["reused", "done"]);
  assertEquals(only.summaries.score[0].after.metrics["eval_rewards/accuracies"], 0.9);
  const one = JSON.parse(
    (await place.run("run", GOOD, ...set, "--force=pairs", "--json")).stdout,
  );
  assertEquals(statuses(one), ["done", "reused"]);
  const all = JSON.parse((await place.run("run", "--force", GOOD, ...set, "--json")).stdout);
  assertEquals(statuses(all), ["done", "done"]);
});

Deno.test("run: a failed stage exits with 1, and the command it prints goes on", async () => {
  await using place = await Workplace.make();
  const failed = await place.run("run", GOOD, "--set", "stages.score.with.fail=true");
  assertEquals(failed.code, 1);
  assertStringIncludes(failed.stderr, "StageError STAGE_FAILED");
  assertStringIncludes(failed.stderr, "told to fail");
  const command = /`deno run -A (.*?)` goes on from there/.exec(failed.stderr)![1]!;
  const [module, ...words] = command.split(" ");
  const fixed = await place.program(module!, ...words, "--set", "stages.score.with.fail=false");
  assertEquals(fixed.code, 0, fixed.stderr);
  assertStringIncludes(fixed.stderr, "stages 1 ran, 1 reused");
});

Deno.test("plan: tells the memory a training will hold, and when it does not fit", async () => {
  await using place = await Workplace.make();
  const pairs = [{ prompt: "a", chosen: "b", rejected: "c" }].map((row) => JSON.stringify(row));
  await Deno.writeTextFile(join(place.dir, "pairs.jsonl"), pairs.join("\n"));
  const stages = [
    { uses: "model", with: { init: { hiddenSize: 32 } } },
    { uses: "ingest", with: { source: "pairs.jsonl" } },
    { uses: "template", with: { template: "plain" } },
    { uses: "tokenize" },
    { uses: "orpo" },
  ];
  const file = join(place.dir, "p.json");
  await Deno.writeTextFile(file, JSON.stringify({ name: "p", device: "webgpu", stages }));
  const { stdout, stderr } = await place.run("plan", file);
  assertMatch(
    stdout,
    /orpo: memory: at most [\d.]+ MiB on .*: weights [\d.]+ kiB, moments/,
    stderr,
  );
  assertMatch(stdout, /orpo: memory: 4096 tokens a micro-batch, 0 of 4 layers computed twice/);
  const tight = await place.run("plan", file, "--set", "stages.orpo.with.memoryBudget=100kB");
  assertMatch(tight.stdout, /orpo: Cannot train within memoryBudget 97\.7 kiB: .* it takes/);
});

Deno.test("plan: gives each stage's action and reason, as text and as JSON", async () => {
  await using place = await Workplace.make();
  assertMatch((await place.run("plan", GOOD)).stdout, /pairs +run +new\nscore +run +new/);
  await place.run("run", GOOD);
  const set = ["--set", "stages.score.with.accuracy=0.9"];
  const { stdout, code } = await place.run("plan", GOOD, ...set, "--json");
  assertEquals(code, 0);
  assertEquals(JSON.parse(stdout).stages, [
    { stageId: "pairs", action: "reuse", reason: "unchanged" },
    { stageId: "score", action: "run", reason: "config.accuracy 0.75 -> 0.9" },
  ]);
  assertEquals((await place.runIds()).length, 1);
});

Deno.test("validate: names every problem with its place, and exits with 2", async () => {
  await using place = await Workplace.make();
  const bad = await place.run("validate", fixture("bad.yaml"));
  assertEquals(bad.code, 2);
  assertMatch(bad.stderr, /UNKNOWN_OPTION.*"cuont".*\n.*bad\.yaml:4:\d+\n.*did you mean "count"/);
  assertMatch(bad.stderr, /STAGE_FILE_MISSING.*"\.\/missing\.ts"/);
  const json = await place.run("validate", fixture("bad.yaml"), "--json");
  assertEquals(json.code, 2);
  const { valid, problems } = JSON.parse(json.stdout);
  assertEquals(valid, false);
  assertEquals(problems.map(({ code }: { code: string }) => code), [
    "UNKNOWN_OPTION",
    "STAGE_FILE_MISSING",
  ]);
  assertEquals(problems[0].location.line, 4);
  assertEquals((await place.run("validate", GOOD)).code, 0);
  assertEquals((await place.run("run", fixture("bad.yaml"))).code, 2);
});

Deno.test("a typed pipeline: runs by itself, and takes verbs and flags", async () => {
  await using place = await Workplace.make();
  const typed = fixture("typed.ts");
  const ran = await place.program(typed, "--set", "stages.score.with.accuracy=0.8", "--json");
  assertEquals(ran.code, 0, ran.stderr);
  assertEquals(JSON.parse(ran.stdout).stages[0].facts, { made: 8 });
  const planned = await place.program(typed, "plan");
  assertMatch(planned.stdout, /score +run +config\.accuracy 0\.8 -> 0\.75/);
  assertEquals((await place.program(typed, "validate")).code, 0);
  const other = await place.program(typed, "ls");
  assertEquals(other.code, 2);
  assertStringIncludes(other.stderr, "verbs: plan, run, validate");
  const failed = await place.program(typed, "run", "--set", "stages.score.with.fail=true");
  assertEquals(failed.code, 1);
  assertStringIncludes(failed.stderr, `\`deno run -A ${typed} --set stages.score.with.fail=true\``);
});

function statuses(summary: { stages: { status: string }[] }): string[] {
  return summary.stages.map(({ status }) => status);
}
