import { assertEquals } from "@std/assert";
import { commandLine, setWords } from "../../src/base/command_line.ts";

Deno.test("commandLine: a shell reads back the words it was made of", async () => {
  const words = ["plain", "two words", "it's", "a=$b", "*", '"', "", "pipelines/demo.yaml"];
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `for word in ${commandLine(words)}; do printf '%s\\n' "$word"; done`],
  }).output();
  assertEquals(new TextDecoder().decode(stdout), words.map((word) => word + "\n").join(""));
});

Deno.test("setWords: quotes text only where YAML would read something else", () => {
  const shown = [0.5, "adam", "true", "007", ["a", 1], null].map((value) =>
    setWords("stages.orpo.with.x", value)[1].slice("stages.orpo.with.x=".length)
  );
  assertEquals(shown, ["0.5", "adam", '"true"', '"007"', '["a",1]', "null"]);
});
