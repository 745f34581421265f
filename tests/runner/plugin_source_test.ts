import { assertEquals, assertNotEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { importSpecifiers } from "../../src/runner/load/import_scan.ts";
import { loadPipeline } from "../../src/runner/load/load.ts";
import { localModules, moduleGraphDigest } from "../../src/runner/load/plugin_source.ts";
import { fakeStages } from "./fake_stages.ts";

Deno.test("importSpecifiers: finds every form of import", () => {
  assertEquals(
    importSpecifiers(`
      import a, { type B } from "./a.ts";
      import './b.ts';
      import type { C } from "./c.ts";
      import data from "./d.json" with { type: "json" };
      export * from "./e.ts";
      export * as f from "./f.ts"
      export { g } from './g.ts';
      const h = await import("./h.ts");
      const i = import(\`./i.ts\`);
      import{j}from"./j.ts";
      import /* why */ k /* not */ from /* this */ "./k.ts";
      type L = import("./l.ts").L;
    `),
    "abc".split("").map((name) => `./${name}.ts`).concat("./d.json").concat(
      "efghijkl".split("").map((name) => `./${name}.ts`),
    ),
  );
});

Deno.test("importSpecifiers: is not misled by comments, strings, templates and expressions", () => {
  assertEquals(
    importSpecifiers(`
      // import "./no1.ts"
      /* import "./no2.ts" */
      const a = 'import "./no3.ts"';
      const b = "it's from \\"./no4.ts\\"";
      const c = \`import "./no5.ts" \${await import("./yes1.ts")} \${"\`"} from "./no6.ts"\`;
      const d = /["'\`]/.test(a) && 4 / 2 / 1;
      const e = a.replace(/\\/*"/g, "x"), f = [/[/"]/];
      const g = import("./dynamic-" + a);
      const h = { from: "./no7.ts" };
      const i = \`./no8.ts\`;
      export { a } from "./yes2.ts";
    `).filter((one) => one !== "./dynamic-"),
    ["./yes1.ts", "./yes2.ts"],
  );
});

const PLUGIN = `
import { VERSION } from "./lib/version.ts";
import table from "./table.json" with { type: "json" };
export default {
  apiVersion: 1, name: "mine", version: VERSION, summary: "Mine.", inputs: {}, outputs: {},
  config: { "~standard": { version: 1, vendor: "x", validate: (value) => ({ value }) } },
  run: () => Promise.resolve({ table }),
};
`;

async function pluginFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  await Deno.mkdir(join(path, "lib"));
  const files = {
    "mine.ts": PLUGIN,
    "table.json": "{}",
    "lib/version.ts":
      `export { VERSION } from "./deep.ts"; import "node:path"; import "@std/path";`,
    "lib/deep.ts":
      `import "./version.ts"; export const VERSION = "1"; export const later = () => import("./gone.ts");`,
    "beside.ts": "export {};",
  };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("localModules: follows local imports round a cycle, and only those", async () => {
  await using dir = await pluginFolder();
  assertEquals(
    await localModules(join(dir.path, "mine.ts")),
    ["lib/deep.ts", "lib/version.ts", "mine.ts", "table.json"].map((name) => join(dir.path, name)),
  );
});

Deno.test("localModules: leaves Oddsmith's own modules out", async () => {
  await using dir = await pluginFolder();
  const file = join(dir.path, "uses_public.ts");
  const contract = new URL("../../src/runner/contract.ts", import.meta.url);
  await Deno.writeTextFile(file, `export * from "${contract.href}"; import "./beside.ts";`);
  assertEquals(await localModules(file), [join(dir.path, "beside.ts"), file]);
});

Deno.test("moduleGraphDigest: changes with any of the plugin's files, and with no other", async () => {
  await using dir = await pluginFolder();
  const digest = () => moduleGraphDigest(join(dir.path, "mine.ts"));
  const before = await digest();
  await Deno.writeTextFile(join(dir.path, "beside.ts"), "export const x = 1;");
  assertEquals(await digest(), before);
  await Deno.writeTextFile(join(dir.path, "table.json"), "[]");
  const changed = await digest();
  assertNotEquals(changed, before);
  await Deno.writeTextFile(join(dir.path, "table.json"), "{}");
  assertEquals(await digest(), before);
});

Deno.test("moduleGraphDigest: is the same wherever the folder lies", async () => {
  await using a = await pluginFolder();
  await using b = await pluginFolder();
  assertEquals(
    await moduleGraphDigest(join(a.path, "mine.ts")),
    await moduleGraphDigest(join(b.path, "mine.ts")),
  );
});

Deno.test("loadPipeline: a plugin's digest is that of its module, named or imported", async () => {
  await using dir = await pluginFolder();
  const write = (name: string, text: string) => Deno.writeTextFile(join(dir.path, name), text);
  await write("named.yaml", "name: p\nstages:\n  - uses: ./mine.ts\n");
  await write("named.json", `{"name":"p","stages":[{"uses":"${join(dir.path, "mine.ts")}"}]}`);
  await write(
    "typed.ts",
    `import mine from "./mine.ts"; export default { name: "p", stages: [{ uses: mine }] };`,
  );
  await write(
    "inline.ts",
    `import mine from "./mine.ts";
     export default { name: "p", stages: [{ uses: { ...mine, name: "own" } }] };`,
  );
  const digest = async (file: string) => {
    const pipeline = await loadPipeline(file, { registry: fakeStages, cwd: dir.path });
    return pipeline.stages[0]!.sourceDigest;
  };
  const expected = await moduleGraphDigest(join(dir.path, "mine.ts"));
  assertEquals(await digest("named.yaml"), expected);
  assertEquals(await digest("named.json"), expected);
  assertEquals(await digest("typed.ts"), expected);
  assertEquals(await digest("inline.ts"), await moduleGraphDigest(join(dir.path, "inline.ts")));
});

Deno.test("loadStage: does not load tfjs or any stage", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", fromFileUrl(import.meta.resolve("../../src/runner/load/load.ts"))],
  }).output();
  const info = JSON.parse(new TextDecoder().decode(stdout));
  const modules: { specifier: string }[] = info.modules;
  assertEquals(
    modules.map(({ specifier }) => specifier)
      .filter((one) => /tensorflow|\/stages\/|\/src\/(?!base|runner)/.test(one)),
    [],
  );
});
