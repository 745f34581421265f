/** docs/plugins.md: the code in it is written to files, tested and run as a reader would. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";

const ROOT = dirname(dirname(dirname(fromFileUrl(import.meta.url))));

/** The fenced blocks that name a file. */
async function filesOf(document: string): Promise<Map<string, string>> {
  const text = await Deno.readTextFile(join(ROOT, document));
  const blocks = text.matchAll(/```\w+ file=(\S+)\n(.*?)```/gs);
  return new Map([...blocks].map(([, name, code]) => [name!, code!]));
}

async function deno(cwd: string, ...args: string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args, cwd, env: { NO_COLOR: "1" } });
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assertEquals(code, 0, text);
  return text;
}

Deno.test("docs/plugins.md: its stage passes its test, and its pipeline runs", async () => {
  const dir = await Deno.makeTempDir({ dir: join(ROOT, "plugins"), prefix: ".tutorial-" });
  try {
    const files = await filesOf("docs/plugins.md");
    assertEquals([...files.keys()], ["flip_labels.ts", "flip_labels_test.ts", "noisy.yaml"]);
    for (const [name, code] of files) {
      const deeper = code.replaceAll('"../', '"../../');
      await Deno.writeTextFile(join(dir, name), deeper);
    }
    const rows = Array.from({ length: 40 }, (_, at) => ({
      prompt: `Say ${at}.`,
      chosen: `It is ${at}.`,
      rejected: "No.",
    }));
    const lines = rows.map((row) => JSON.stringify(row)).join("\n");
    await Deno.writeTextFile(join(dir, "pairs.jsonl"), lines);
    assertStringIncludes(await deno(dir, "test", "-A", "flip_labels_test.ts"), "2 passed");
    const mod = join(ROOT, "mod.ts");
    const ran = await deno(dir, "run", "--quiet", "-A", mod, "run", "noisy.yaml", "--json");
    const { stages } = JSON.parse(ran.slice(ran.indexOf("{"), ran.lastIndexOf("}") + 1));
    const { flipped } = stages[1].facts;
    assert(flipped > 2 && flipped < 20, `flipped ${flipped} of 40`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
