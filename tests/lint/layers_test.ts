import { assertEquals } from "@std/assert";
import plugin from "../../lint/layers.ts";

/** What the plugin says of a module, as "rule: message". */
function lint(file: string, code: string): string[] {
  return Deno.lint.runPlugin(plugin, file, code).map(({ id, message }) => `${id}: ${message}`);
}

Deno.test("layers: an import against the direction is refused, in every form it can have", () => {
  const expected = [
    "oddsmith/layers: src/runner may not import src/models/model.ts: it may import src/base",
  ];
  for (
    const code of [
      `import { a } from "../models/model.ts";`,
      `import type { A } from "../models/model.ts";`,
      `export { a } from "../models/model.ts";`,
      `export * from "../models/model.ts";`,
      `const a = await import("../models/model.ts");`,
      `type A = import("../models/model.ts").A;`,
    ]
  ) assertEquals(lint("src/runner/run.ts", code), expected, code);
});

Deno.test("layers: imports with the direction, of base and of the same layer pass", () => {
  const pass = (file: string, ...specifiers: string[]) => {
    const code = specifiers.map((specifier) => `import "${specifier}";`).join("\n");
    assertEquals(lint(file, code), [], file);
  };
  pass("src/cli/main.ts", "../runner/run/run.ts", "../../stages/mod.ts", "./verbs/run.ts");
  pass("src/train/loop.ts", "../models/model.ts", "../ops/head/head.ts", "../base/rng.ts");
  pass(
    "src/models/architectures/llama.ts",
    "../../ops/rope.ts",
    "../../tensor/tf.ts",
    "../architecture.ts",
  );
  pass("stages/orpo.ts", "../src/train/loop.ts", "../src/runner/contract.ts", "./artifacts.ts");
  pass("plugins/dedupe/mod.ts", "../../mod.ts", "./shingles.ts", "npm:zod", "@std/path");
  pass("tests/runner/run_test.ts", "../../src/models/model.ts", "../../stages/mod.ts");
  pass("src/runner/run/versions.ts", "../../../deno.json", "node:crypto");
});

Deno.test("layers: each layer is refused what is above it", () => {
  const refused = (file: string, specifier: string) =>
    assertEquals(lint(file, `import "${specifier}";`).length, 1, `${file} <- ${specifier}`);
  refused("src/base/rng.ts", "../runner/run/run.ts");
  refused("src/runner/run/run.ts", "../../../stages/mod.ts");
  refused("src/runner/run/run.ts", "../../cli/main.ts");
  refused("src/data/ingest.ts", "../runner/contract.ts");
  refused("src/text/tokenizer.ts", "../tensor/tf.ts");
  refused("src/weights/safetensors.ts", "../tensor/tf.ts");
  refused("src/tensor/device.ts", "../ops/head/head.ts");
  refused("src/ops/head/head.ts", "../../models/model.ts");
  refused("src/ops/head/head.ts", "../norms/rms_norm.ts");
  refused("src/ops/norms/rms_norm.ts", "../linear/linear.ts");
  refused("src/models/architectures/llama.ts", "../../train/loop.ts");
  refused("src/models/architectures/llama.ts", "../lora/lora.ts");
  refused("src/models/generation/sample.ts", "../folder/load.ts");
  refused("src/train/loop.ts", "../runner/contract.ts");
  refused("stages/orpo.ts", "../src/cli/main.ts");
  refused("stages/orpo.ts", "../src/runner/run/run.ts");
  refused("stages/orpo.ts", "../src/tensor/tf.ts");
});

Deno.test("layers: a plugin sees only what every plugin can see", () => {
  assertEquals(lint("plugins/mine.ts", `import "../src/base/hash.ts";`), [
    "oddsmith/layers: plugins may not import src/base/hash.ts: " +
    "it may import mod.ts, src/runner/testing.ts",
  ]);
});

Deno.test("tensor-door: tfjs is imported in src/tensor alone", () => {
  const code = `import * as tf from "@tensorflow/tfjs";`;
  assertEquals(lint("src/tensor/tf.ts", code), []);
  assertEquals(lint("src/train/loop.ts", code), [
    "oddsmith/tensor-door: only src/tensor imports @tensorflow/tfjs",
  ]);
  assertEquals(lint("tests/train/loop_test.ts", `await import("npm:@tensorflow/tfjs-core");`), [
    "oddsmith/tensor-door: only src/tensor imports npm:@tensorflow/tfjs-core",
  ]);
});

Deno.test("no-utils: a name that says nothing is refused", () => {
  assertEquals(lint("src/data/utils.ts", "export {};"), [
    `oddsmith/no-utils: "utils.ts" says nothing of what it holds`,
  ]);
  assertEquals(lint("src/data/pair.ts", "export {};"), []);
});

Deno.test("file-length: 350 lines pass, 351 do not, tests may be longer", () => {
  const lines = (count: number) => "export {};\n".repeat(count);
  assertEquals(lint("src/data/pair.ts", lines(350)), []);
  assertEquals(lint("src/data/pair.ts", lines(351)), [
    "oddsmith/file-length: the file has 351 lines, more than 350",
  ]);
  assertEquals(lint("tests/data/pair_test.ts", lines(500)), []);
});
