/**
 * Every way a pipeline can be wrong: a fixture each, and beside it the very text that people read.
 * `UPDATE_FIXTURES=1` writes the texts anew; read them before you commit them.
 */

import { assert, assertEquals } from "@std/assert";
import { basename, fromFileUrl, join } from "@std/path";
import { PipelineProblems } from "../../src/runner/errors.ts";
import { loadPipeline, validatePipeline } from "../../src/runner/load/load.ts";
import { fakeStages } from "./fake_stages.ts";

const FIXTURES = fromFileUrl(new URL("../fixtures/pipelines", import.meta.url));
const options = { registry: fakeStages, cwd: FIXTURES };

async function fixtures(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(FIXTURES));
  return entries
    .filter(({ isFile, name }) => isFile && !name.endsWith(".txt") && !name.endsWith(".jsonl"))
    .map(({ name }) => name)
    .sort();
}

/** The problems as text, without what differs from machine to machine. */
function portable(problems: PipelineProblems): string {
  return problems.format().replaceAll(`file://${FIXTURES}`, "file:///fixtures")
    .replaceAll(FIXTURES, "/fixtures") + "\n";
}

Deno.test("loadPipeline: each fixture gives the text beside it", async (t) => {
  for (const name of await fixtures()) {
    await t.step(name, async () => {
      const { problems } = await validatePipeline(name, options);
      assert(problems.length > 0, "the fixture is a good pipeline");
      const text = portable(new PipelineProblems(problems));
      const file = join(FIXTURES, `${name}.txt`);
      if (Deno.env.get("UPDATE_FIXTURES") === "1") await Deno.writeTextFile(file, text);
      assertEquals(text, await Deno.readTextFile(file));
    });
  }
});

Deno.test("loadPipeline: every code of the loader's errors has a fixture or a test here", async () => {
  const elsewhere = [
    "FILE_MISSING",
    "FILE_IS_FOLDER",
    "FILE_UNREADABLE",
    "ENV_DENIED",
    "NEEDS_NET",
    "BAD_OVERRIDE",
  ];
  const seen = new Set(elsewhere);
  for (const name of await fixtures()) {
    const { problems } = await validatePipeline(name, options);
    for (const { code } of problems) seen.add(code);
  }
  for (const file of ["load/load_errors.ts", "load/stage_errors.ts", "wire/wire_errors.ts"]) {
    const source = await Deno.readTextFile(new URL(`../../src/runner/${file}`, import.meta.url));
    for (const [, code] of source.matchAll(/(?:pipeline|stage)Error\(\s*"([A-Z0-9_]+)"/g)) {
      assert(seen.has(code!), `no fixture gives ${code}`);
    }
  }
});

Deno.test("loadPipeline: throws all problems as one error", async () => {
  const error = await loadPipeline("everything_at_once.yaml", options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert(error instanceof PipelineProblems);
  const places = error.problems.map(({ location }) => location?.line);
  assertEquals(places, places.toSorted((a, b) => a! - b!));
  assert(error.problems.length >= 6);
  assertEquals(
    error.message,
    `${error.problems[0]!.message} (and ${error.problems.length - 1} more)`,
  );
});

Deno.test("loadPipeline: a file that is nested too deeply is refused, with few words", async () => {
  await using dir = await temporaryDir();
  for (const mark of ["? ", "[", "- ", "{a: "]) {
    await Deno.writeTextFile(join(dir.path, "deep.yaml"), `name: deep\n${mark.repeat(20_000)}`);
    const { problems } = await validatePipeline("deep.yaml", { ...options, cwd: dir.path });
    assert(problems.length > 0 && problems.length <= 20);
    for (const { message, location } of problems) {
      assertEquals(location?.file, "deep.yaml");
      assert(!/call stack/.test(message), message);
    }
  }
});

Deno.test("loadPipeline: a missing file names the nearest one in its folder", async () => {
  const { problems } = await validatePipeline("cycel.yaml", options);
  assertEquals(problems.map(({ code }) => code), ["FILE_MISSING"]);
  assert(problems[0]!.hint!.startsWith(`did you mean "cycle.yaml"?`), problems[0]!.hint);
  const nowhere = await validatePipeline("nowhere/at/all.yaml", options);
  assertEquals(nowhere.problems[0]!.format().split("\n"), [
    `PipelineError FILE_MISSING: Cannot read the pipeline "nowhere/at/all.yaml": no such file`,
    "  at nowhere/at/all.yaml",
    "  hint: the folder holds no pipeline files",
  ]);
});

Deno.test("loadPipeline: a folder lists the pipelines in it", async () => {
  await using dir = await temporaryDir();
  await Deno.writeTextFile(join(dir.path, "b.yaml"), "");
  await Deno.writeTextFile(join(dir.path, "a.ts"), "");
  await Deno.writeTextFile(join(dir.path, "notes.md"), "");
  const { problems } = await validatePipeline(dir.path, { ...options, cwd: join(dir.path, "..") });
  const name = basename(dir.path);
  assertEquals(problems.map((problem) => problem.format()), [
    `PipelineError FILE_IS_FOLDER: Cannot read the pipeline "${name}": it is a folder\n` +
    `  at ${name}\n  hint: pipeline files in it: a.ts, b.yaml`,
  ]);
});

Deno.test("loadPipeline: what Deno does not permit is a problem with the flag that helps", async () => {
  const unreadable = await problemsUnder(["--allow-all", `--deny-read=${FIXTURES}`]);
  assertEquals(unreadable.map(({ code }) => code), ["FILE_UNREADABLE"]);
  assertEquals(await problemsUnder(["--allow-read"]), [{
    code: "ENV_DENIED",
    hint: "run Deno with --ignore-env, or with --allow-env=LOG_TOKENS,LOG_STREAM",
  }]);
  assertEquals(await problemsUnder(["--allow-read", "--ignore-env"]), [{
    code: "NO_STAGES",
    hint: `write one entry a stage, e.g. "- uses: ingest"`,
  }]);
});

Deno.test("loadPipeline: a stage that needs a denied network is refused", async () => {
  const online = join(FIXTURES, "plugins", "rare.ts#online");
  const spec = { name: "p", stages: [{ uses: online }] };
  const { problems } = await validatePipeline(spec, options);
  assertEquals(problems, []);
  assertEquals(await problemsUnder(["--allow-all", "--deny-net"], spec), [{
    code: "NEEDS_NET",
    hint: "run Deno without --deny-net, or with --allow-net",
  }]);
});

/** Validates in a process with the permissions given; by default a pipeline without stages. */
async function problemsUnder(
  permissions: string[],
  input: unknown = join(FIXTURES, "no_stages.yaml"),
): Promise<{ code: string; hint: string }[]> {
  const loader = import.meta.resolve("../../src/runner/load/load.ts");
  const code = `import { validatePipeline } from ${JSON.stringify(loader)};
    const options = { registry: new Map(), cwd: "/" };
    const { problems } = await validatePipeline(${JSON.stringify(input)}, options);
    console.log(JSON.stringify(problems.map(({ code, hint }) => ({ code, hint }))));`;
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--config",
      config,
      ...permissions,
      `data:text/javascript,${encodeURIComponent(code)}`,
    ],
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("loadPipeline: a module with a syntax error gives its place", async () => {
  await using dir = await temporaryDir();
  const file = join(dir.path, "broken.ts");
  await Deno.writeTextFile(file, "export default {\n  name: 'p',,\n};\n");
  const { problems } = await validatePipeline(file, { ...options, cwd: dir.path });
  assertEquals(problems.map(({ code, location }) => ({ code, location })), [
    { code: "MODULE_FAILED", location: { file: "broken.ts", line: 2, column: 13 } },
  ]);
  await Deno.writeTextFile(join(dir.path, "p.yaml"), "name: p\nstages:\n  - uses: ./broken.ts\n");
  const yaml = await validatePipeline("p.yaml", { ...options, cwd: dir.path });
  assertEquals(yaml.problems.map(({ code, location, hint }) => ({ code, location, hint })), [{
    code: "STAGE_IMPORT_FAILED",
    location: { file: "p.yaml", line: 3, column: 11 },
    hint: "the error is at broken.ts:2:13",
  }]);
});

async function temporaryDir(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
