/** How a new file refers to Oddsmith: by path where both are files, by package otherwise. */

import { basename, dirname, fromFileUrl, relative } from "@std/path";
import config from "../../../deno.json" with { type: "json" };

/** Specifiers for a new file's imports. */
export interface Specifiers {
  /** The public API. */
  readonly api: string;
  /** The built-in stages. */
  readonly stages: string;
  /** The helpers for tests of stages. */
  readonly testing: string;
  /** The library that configuration schemas are written with. */
  readonly zod: string;
}

/** The specifiers that work in a file at an absolute path. */
export function specifiersFor(path: string): Specifiers {
  const zod = isInProject(path) ? "zod" : config.imports.zod;
  const root = new URL("../../../", import.meta.url);
  if (root.protocol !== "file:") {
    const name = `jsr:${config.name}@^${config.version}`;
    return { api: name, stages: `${name}/stages`, testing: `${name}/testing`, zod };
  }
  const to = (file: string) => importPath(path, new URL(file, root));
  const { ".": api, "./stages": stages, "./testing": testing } = config.exports;
  return { api: to(api), stages: to(stages), testing: to(testing), zod };
}

/**
 * The flag that a command about a new file needs to resolve Oddsmith's own imports: none inside
 * the project, or where Oddsmith is a package.
 */
export function configFlag(path: string): string[] {
  const file = new URL("../../../deno.json", import.meta.url);
  if (file.protocol !== "file:" || isInProject(path)) return [];
  return ["--config", fromFileUrl(file)];
}

/** An import as the formatter wants it, however long the path to Oddsmith is. */
export function importStatement(names: readonly string[], specifier: string): string {
  const line = `import { ${names.join(", ")} } from "${specifier}";`;
  if (names.length === 1 || line.length <= config.fmt.lineWidth) return line;
  return `import {\n${names.map((name) => `  ${name},\n`).join("")}} from "${specifier}";`;
}

/** A stage's or a pipeline's name, from its file's: lower case, words joined by "-". */
export function nameOf(path: string): string {
  return basename(path).replace(/\.[^.]*$/, "").replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+|-+$/g, "");
}

/** Whether a file is covered by the project's own deno.json. */
function isInProject(path: string): boolean {
  const root = new URL("../../../", import.meta.url);
  return root.protocol === "file:" && !relative(fromFileUrl(root), path).startsWith("..");
}

function importPath(from: string, to: URL): string {
  const path = relative(dirname(from), fromFileUrl(to)).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}
