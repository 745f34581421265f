/** parseFlags: values by kind, and what it refuses. */

import { assertEquals, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { parseFlags } from "../../src/cli/flags.ts";

const FLAGS = {
  json: { kind: "switch", help: "" },
  name: { kind: "text", help: "" },
  share: { kind: "number", help: "" },
  count: { kind: "integer", help: "" },
  set: { kind: "list", help: "" },
  force: { kind: "switch-or-list", help: "" },
  device: { kind: "text", help: "", choices: ["auto", "cpu"] },
} as const;

const parse = (...words: string[]) => parseFlags(words, FLAGS, "test");

Deno.test("parseFlags: absent flags are undefined, switches false", () => {
  assertEquals(parse("a", "b"), {
    flags: {
      json: false,
      name: undefined,
      share: undefined,
      count: undefined,
      set: undefined,
      force: undefined,
      device: undefined,
    },
    positionals: ["a", "b"],
  });
});

Deno.test("parseFlags: reads every kind, before and after positionals", () => {
  const { flags, positionals } = parse(
    ...["--json", "file.yaml", "--name", "x", "--share=-0.5", "--count", "3"],
    ...["--set", "a=1", "--set=b=2=3", "--device", "cpu", "7"],
  );
  assertEquals(positionals, ["file.yaml", "7"]);
  assertEquals(flags, {
    json: true,
    name: "x",
    share: -0.5,
    count: 3,
    set: ["a=1", "b=2=3"],
    force: undefined,
    device: "cpu",
  });
});

Deno.test("parseFlags: a negative number is a value, not a flag", () => {
  assertEquals(parse("--count", "-3", "--share", "-.5").flags, {
    ...parse().flags,
    count: -3,
    share: -0.5,
  });
  assertEquals(parse("--", "--count", "-3").positionals, ["--count", "-3"]);
  assertThrows(() => parse("--json", "-3"), OddsmithError, '"-3"');
});

Deno.test("parseFlags: --force is bare or names things, and never takes the next word", () => {
  assertEquals(parse("--force", "file.yaml").flags.force, true);
  assertEquals(parse("--force", "file.yaml").positionals, ["file.yaml"]);
  assertEquals(parse("--force=a,b", "--force=c").flags.force, ["a", "b", "c"]);
});

Deno.test("parseFlags: words after -- are positionals", () => {
  assertEquals(parse("--", "--json", "--force=x").positionals, ["--json", "--force=x"]);
});

for (
  const [words, code] of [
    [["--nmae", "x"], "UNKNOWN_FLAG"],
    [["-x"], "UNKNOWN_FLAG"],
    [["--name"], "FLAG_VALUE"],
    [["--name="], "FLAG_VALUE"],
    [["--force="], "FLAG_VALUE"],
    [["--count", "2.5"], "FLAG_VALUE"],
    [["--count", "two"], "FLAG_VALUE"],
    [["--share", "NaN"], "FLAG_VALUE"],
    [["--device", "gpu"], "FLAG_VALUE"],
  ] as const
) {
  Deno.test(`parseFlags: refuses ${words.join(" ")}`, () => {
    const error = assertThrows(() => parse(...words), OddsmithError);
    assertEquals(error.code, code);
  });
}
