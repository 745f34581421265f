/** Words that mean nothing, help, versions: what the command line says without running anything. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { loadVerb, verbSummaries } from "../../src/cli/verbs.ts";
import { fixture, runHere, Workplace } from "./program.ts";

const NOWHERE = "--runs-dir=tests/fixtures/cli";

const WRONG: readonly [words: string[], code: string, hint: string][] = [
  [["rnu"], "UNKNOWN_VERB", 'did you mean "run"?'],
  [["run", fixture("good.yaml"), "--unitl", "x"], "UNKNOWN_FLAG", 'did you mean "until"?'],
  [["plan", fixture("good.yaml"), "--sed", "1"], "UNKNOWN_FLAG", 'did you mean "seed"?'],
  [["run", fixture("good.yaml"), "--until"], "FLAG_VALUE", "--until=<stage>"],
  [["run", fixture("good.yaml"), "--seed", "1.5"], "FLAG_VALUE", "a whole number"],
  [["run", fixture("good.yaml"), "--device", "wsm"], "FLAG_VALUE", 'did you mean "wasm"?'],
  [["run", fixture("good.yaml"), "--until", "scor"], "UNKNOWN_STAGE_ID", 'did you mean "score"?'],
  [["run", fixture("good.yaml"), "--set", "sede=1"], "BAD_OVERRIDE", 'did you mean "seed"?'],
  [["run"], "ARGUMENTS", "pipeline is missing"],
  [["run", "a.yaml", "b.yaml"], "ARGUMENTS", 'unexpected argument "b.yaml"'],
  [["run", "missing.yaml"], "FILE_MISSING", "missing.yaml"],
  [["new", "stge", "x.ts"], "ARGUMENTS", 'did you mean "stage"?'],
  [["generate", "nope", "--prompt", "hi", "--temperature", "-1"], "FLAG_VALUE", "a number from 0"],
  [["generate", "nope", "--prompt", "hi", "--top-k", "-1"], "FLAG_VALUE", "a whole number from 0"],
  [["gc", "--keep-runs", "-1", NOWHERE], "FLAG_VALUE", "a whole number from 0"],
  [["gc", "--older-than-days", "-1", NOWHERE], "FLAG_VALUE", "a number from 0"],
  [["new", "stage", "deno.json/x.ts"], "FILE_NOT_WRITTEN", 'Cannot write "deno.json/x.ts"'],
  [["schema", "--out", "gone/x.json"], "FILE_NOT_WRITTEN", "its folder does not exist"],
  [["schema", "--out", "tests"], "FILE_NOT_WRITTEN", 'Cannot write "tests"'],
  [["inspect", "nope", NOWHERE], "RUN_NOT_FOUND", "no runs yet"],
  [["generate", "nope", "--prompt", "hi", NOWHERE], "RUN_NOT_FOUND", "no runs yet"],
  [["generate", "nope"], "ARGUMENTS", "the prompt is empty"],
  [["generate", "nope", "--prompt=a", "--messages=b"], "ARGUMENTS", "one of --prompt"],
  [["generate", "nope", "--prompt-file=gone.txt"], "ARGUMENTS", "no such file"],
  [["chat", "nope", "--min-p=2"], "FLAG_VALUE", "min-p"],
  [["serve", "nope", "--port=x"], "FLAG_VALUE", "port"],
  [["generate", "nope", "--prompt", "hi", "--top-p", "2"], "FLAG_VALUE", "top-p"],
];

for (const [words, code, text] of WRONG) {
  const shown = words.map((word) => word.replace(/^.*\//, "")).join(" ");
  Deno.test(`oddsmith ${shown}: exits with 2 and helps`, async () => {
    const ended = await runHere(...words);
    assertEquals(ended.code, 2, ended.stderr);
    assertEquals(ended.stdout, "");
    assertStringIncludes(ended.stderr, code);
    assertStringIncludes(ended.stderr, text);
  });
}

Deno.test("oddsmith: without words prints help to stderr and exits with 2", async () => {
  await using place = await Workplace.make();
  const ended = await place.run();
  assertEquals([ended.code, ended.stdout], [2, ""]);
  for (const verb of verbSummaries.keys()) assertStringIncludes(ended.stderr, `  ${verb} `);
});

Deno.test("main: what the system refuses is one line, not a stack", async () => {
  const { code, stderr } = await runHere("gc", "--runs-dir", "deno.json");
  assertEquals(code, 1);
  assertMatch(stderr, /^SystemError ENOTDIR: .*deno\.json'\n$/);
});

Deno.test("--help: is written to stdout, for the program and for a verb", async () => {
  const program = await runHere("--help");
  assertEquals([program.code, program.stderr], [0, ""]);
  assertStringIncludes(program.stdout, "Exit codes: 0 ok");
  const run = await runHere("run", "x.yaml", "--help");
  assertEquals(run.code, 0);
  assertStringIncludes(run.stdout, "--force[=<stages>]");
  assertEquals((await runHere("help", "run")).stdout, run.stdout);
});

Deno.test("verbs: each says its usage, and each flag says what it does", async () => {
  for (const name of verbSummaries.keys()) {
    const verb = await loadVerb(name);
    assertEquals(verb.name, name);
    assert(verb.usage !== "");
    assert(verb.most >= verb.required.length);
    for (const [flag, { help }] of Object.entries<{ help: string }>(verb.flags)) {
      assertMatch(help, /^[A-Z0-9].*[.):]$/, `${name} --${flag}`);
    }
  }
});

Deno.test("--version: names Oddsmith, Deno and V8", async () => {
  const { code, stdout } = await runHere("--version");
  assertEquals(code, 0);
  assertMatch(stdout, /^oddsmith \d+\.\d+\.\d+\ndeno \d/);
});
