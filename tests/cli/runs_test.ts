/** ls, inspect, compare and gc, on runs of a small pipeline. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fixture, runHere, Workplace } from "./program.ts";

/** A workplace with two finished runs that differ in one option, and a failed one. */
async function threeRuns(): Promise<Workplace> {
  const place = await Workplace.make();
  const good = fixture("good.yaml");
  await place.run("run", good);
  await place.run("run", good, "--set", "stages.score.with.accuracy=0.9");
  await place.run("run", good, "--set", "stages.score.with.fail=true");
  return place;
}

Deno.test("ls: lists runs, a run's artifacts and the built-in stages", async () => {
  await using place = await threeRuns();
  const runs = JSON.parse((await place.run("ls", "--json")).stdout);
  const status = ({ status }: { status: string }) => status;
  assertEquals(runs.map(status), ["failed", "done", "done"]);
  assertMatch((await place.run("ls")).stdout, /-good-\w{6} +failed +good +\d{4}-/);
  const second = await place.run("ls", runs[1].id);
  assertMatch(second.stdout, /pairs +reused +pairs\.pairs +preference-pairs@1 +\d+ B/);
  assertMatch(second.stdout, /score +done .*score\.evaluation +evaluation@1/);
  const stages = JSON.parse((await place.run("ls", "stages", "--json")).stdout);
  assert(Array.isArray(stages));
  for (const stage of stages) assert(stage.summary && stage.options.type === "object", stage.name);
});

Deno.test("ls stages: a stage's options with values, defaults and meaning, nested ones too", async () => {
  const orpo = await runHere("ls", "stages", "orpo");
  assertMatch(orpo.stdout, /^maxGradNorm +number +1 +Global norm gradients are clipped to/m);
  assertMatch(orpo.stdout, /^preset +choice +"trl" .*\(trl \| official \|/m);
  const model = await runHere("ls", "stages", "model");
  assertMatch(model.stdout, /^init\.hiddenSize +integer +128 +Channels/m);
  const one = JSON.parse((await runHere("ls", "stages", "orpo", "--json")).stdout);
  assertEquals(one.options.properties.maxGradNorm.default, 1);
  const unknown = await runHere("ls", "stages", "opro");
  assertEquals(unknown.code, 2);
  assertStringIncludes(unknown.stderr, 'did you mean "orpo"?');
  assertStringIncludes((await runHere("ls", "latest", "x")).stderr, 'unexpected argument "x"');
});

Deno.test("inspect: shows a run, an artifact's facts and rows by number, id and split", async () => {
  await using place = await threeRuns();
  const run = await place.run("inspect", "latest");
  assertStringIncludes(run.stdout, "stages.score.with.fail=true");
  assertStringIncludes(run.stdout, "told to fail");
  const manifest = JSON.parse((await place.run("inspect", "latest", "--json")).stdout);
  assertEquals(manifest.status, "failed");

  const inspect = async (...words: string[]) =>
    JSON.parse((await place.run("inspect", "latest", "pairs.pairs", "--json", ...words)).stdout);
  const facts = await inspect();
  assertEquals(facts.type, "preference-pairs@1");
  assertEquals(facts.dataset.counts, { train: 3, eval: 1 });
  const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);
  assertEquals(ids(facts.dataset.rows), ["pair-1", "pair-2", "pair-3"]);
  assertEquals(ids((await inspect("--rows", "1")).dataset.rows), ["pair-1"]);
  assertEquals(ids((await inspect("--row", "2")).dataset.rows), ["pair-2"]);
  assertEquals(ids((await inspect("--row", "pair-3")).dataset.rows), ["pair-3"]);
  assertEquals(ids((await inspect("--split", "eval")).dataset.rows), ["pair-4"]);
  const text = await place.run("inspect", "latest", "pairs", "--row", "1");
  assertStringIncludes(text.stdout, '"prompt": "Count to 0."');

  const missing = await place.run("inspect", "latest", "pairs", "--row", "9");
  assertEquals(missing.code, 2);
  assertStringIncludes(missing.stderr, "it has 3 rows");
  const unknown = await place.run("inspect", "latest", "piars.pairs");
  assertEquals(unknown.code, 2);
  assertStringIncludes(unknown.stderr, 'did you mean "pairs.pairs"?');
});

Deno.test("compare: shows settings that differ, and every figure side by side", async () => {
  await using place = await threeRuns();
  const [first, second] = await place.runIds();
  const text = await place.run("compare", first!, second!);
  assertEquals(text.code, 0, text.stderr);
  assertMatch(text.stdout, /score\.with\.accuracy +0\.75 +0\.9\n/);
  assertMatch(text.stdout, /score: after\.metrics\.eval_rewards\/accuracies +0\.75 +0\.9\n/);
  assertEquals(text.stdout.includes("pairs: made"), false);
  assertMatch((await place.run("compare", first!, second!, "--all")).stdout, /pairs: made +4 +4/);
  const { settings, figures } = JSON.parse(
    (await place.run("compare", first!, second!, "--json")).stdout,
  );
  assertEquals(settings, [{ name: "score.with.accuracy", values: [0.75, 0.9] }]);
  assert(figures.some(({ name }: { name: string }) => name === "pairs: made"));
  assertMatch((await place.run("compare", first!, first!)).stdout, /^The settings are the same/);
  assertEquals((await place.run("compare", first!)).code, 2);
});

Deno.test("gc: a dry run removes nothing, --keep-runs removes older runs", async () => {
  await using place = await threeRuns();
  const dry = JSON.parse(
    (await place.run("gc", "--keep-runs=1", "--dry-run", "--json")).stdout,
  );
  assertEquals(dry.removed.filter(({ what }: { what: string }) => what === "run").length, 2);
  assertEquals((await place.runIds()).length, 3);
  const real = await place.run("gc", "--keep-runs=1");
  assertEquals(real.code, 0);
  assertMatch(real.stderr, /freed [\d.]+ (kiB|B)/);
  assertEquals((await place.runIds()).length, 1);
});
