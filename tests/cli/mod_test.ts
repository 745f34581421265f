/** mod.ts: what importing it does not load. */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

interface Graph {
  roots: string[];
  redirects: Record<string, string>;
  modules: {
    specifier: string;
    dependencies?: { isDynamic?: boolean; code?: { specifier?: string } }[];
  }[];
}

/** Modules that importing a module loads, dynamic imports left out. */
async function staticImports(module: string): Promise<string[]> {
  const command = new Deno.Command(Deno.execPath(), { args: ["info", "--json", module] });
  const graph: Graph = JSON.parse(new TextDecoder().decode((await command.output()).stdout));
  const modules = new Map(graph.modules.map((module) => [module.specifier, module]));
  const seen = new Set<string>();
  const waiting = [...graph.roots];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const specifier = graph.redirects[next] ?? next;
    if (seen.has(specifier)) continue;
    seen.add(specifier);
    for (const { isDynamic, code } of modules.get(specifier)?.dependencies ?? []) {
      if (!isDynamic && code?.specifier) waiting.push(code.specifier);
    }
  }
  return [...seen];
}

Deno.test("mod.ts: importing it loads no tensors, tokenizers, templates, Parquet or charts", async () => {
  const loaded = await staticImports(fromFileUrl(new URL("../../mod.ts", import.meta.url)));
  assert(loaded.some((specifier) => specifier.endsWith("/stages/orpo.ts")));
  const packages = loaded.filter((specifier) => specifier.startsWith("npm:"));
  const names = packages.map((specifier) => specifier.replace(/^npm:\/?/, "").split("@")[0]);
  assertEquals([...new Set(names)].sort(), ["deno-std", "yaml", "zod"]);
  assertEquals(loaded.filter((specifier) => /\/src\/(tensor|ops|cli\/main)/.test(specifier)), []);
});
