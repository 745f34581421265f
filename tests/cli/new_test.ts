/** new and schema: what they write works. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { parse } from "yaml";
import { pipelineSkeleton } from "../../src/cli/scaffold/pipeline.ts";
import { stageSkeleton } from "../../src/cli/scaffold/stage.ts";
import { fixture, Workplace } from "./program.ts";

const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));

async function deno(cwd: string, ...args: string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args, cwd, env: { NO_COLOR: "1" } });
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assertEquals(code, 0, text);
  return text;
}

Deno.test("new stage: its test passes as it is, it is formatted, and a pipeline can use it", async () => {
  await using place = await Workplace.make();
  const { code, stderr } = await place.run("new", "stage", "plugins/keepLong.ts");
  assertEquals(code, 0, stderr);
  const test = join("plugins", "keepLong_test.ts");
  assertStringIncludes(stderr, `wrote plugins/keepLong.ts and ${test}`);
  const tested = await deno(place.dir, "test", "-A", "--config", CONFIG, test);
  assertStringIncludes(tested, "2 passed");
  await deno(place.dir, "fmt", "--config", CONFIG, "--check", "plugins");

  const stages = [{ uses: fixture("pairs.ts") }, { uses: "./plugins/keepLong.ts" }];
  await Deno.writeTextFile(
    join(place.dir, "use.json"),
    JSON.stringify({ name: "use", stages }),
  );
  const ran = await place.run("run", "use.json", "--json");
  assertEquals(ran.code, 0, ran.stderr);
  assertEquals(JSON.parse(ran.stdout).stages[1].facts, { kept: 4, dropped: 0 });
});

Deno.test("new: what it writes is formatted, however long the path to Oddsmith is", async () => {
  await using place = await Workplace.make();
  const inputs = { model: "./base", data: "./pairs.jsonl" };
  let wrapped = 0;
  // Each level makes the imports three columns longer: "../".
  for (let depth = 0; depth <= 30; depth++) {
    const path = join("/", ...Array<string>(depth).fill("d"), "mine.ts");
    const folder = join(place.dir, "deep", `${depth}`);
    const { module, test } = stageSkeleton(path);
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(join(folder, "mine.ts"), module);
    await Deno.writeTextFile(join(folder, "mine_test.ts"), test);
    await Deno.writeTextFile(join(folder, "p.ts"), pipelineSkeleton(path, "ts", inputs));
    if (module.includes("import {\n")) wrapped++;
  }
  assert(wrapped > 0, "some imports are too long for a line");
  await deno(place.dir, "fmt", "--config", CONFIG, "--check", "deep");
});

Deno.test("new: never overwrites", async () => {
  await using place = await Workplace.make();
  await Deno.writeTextFile(join(place.dir, "mine_test.ts"), "precious");
  const { code, stderr } = await place.run("new", "stage", "mine.ts");
  assertEquals(code, 2);
  assertStringIncludes(stderr, 'Cannot create "mine_test.ts"');
  assertEquals(await Deno.readTextFile(join(place.dir, "mine_test.ts")), "precious");
  const names = await Array.fromAsync(Deno.readDir(place.dir), ({ name }) => name);
  assertEquals(names, ["mine_test.ts"]);
});

Deno.test("new pipeline: the same stages in every form, with the model and data named", async () => {
  await using place = await Workplace.make();
  const inputs = ["--model", "../base", "--data", "pairs.csv"];
  for (const form of ["yaml", "json", "ts"]) {
    const made = await place.run("new", "pipeline", "My first", "--format", form, ...inputs);
    assertEquals(made.code, 0, made.stderr);
  }
  const read = (form: string) => Deno.readTextFile(join(place.dir, `My first.${form}`));
  const yaml = parse(await read("yaml"));
  const { $schema, ...json } = JSON.parse(await read("json"));
  assertEquals($schema, "./pipeline.schema.json");
  assertEquals(yaml, json);
  assertEquals(yaml.name, "my-first");
  assertEquals(yaml.stages[0].with.from, "../base");
  const typed = await read("ts");
  for (const stage of yaml.stages) assertStringIncludes(typed, `.stage(${stage.uses}`);
  await deno(place.dir, "check", "--config", CONFIG, "My first.ts");
  const checked = await place.run("validate", "My first.yaml", "--json");
  const codes = JSON.parse(checked.stdout).problems.map(({ code }: { code: string }) => code);
  assertEquals(codes.sort(), ["NO_MODEL", "SOURCE_MISSING"]);
  const wrong = await place.run("new", "pipeline", "a.yaml", "--format", "ts");
  assertEquals(wrong.code, 2);
});

Deno.test("schema: holds every built-in stage, to stdout and to a file", async () => {
  await using place = await Workplace.make();
  const { stdout } = await place.run("schema");
  const schema = JSON.parse(stdout);
  assert(schema.properties.stages);
  const { builtinStages } = await import("../../stages/mod.ts");
  for (const name of builtinStages.keys()) assert(schema.$defs[`options-${name}`], name);
  const { code, stdout: none } = await place.run("schema", "--out", "s.json");
  assertEquals([code, none], [0, ""]);
  assertEquals(JSON.parse(await Deno.readTextFile(join(place.dir, "s.json"))), schema);
});
