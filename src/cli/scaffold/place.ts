/** How a new file refers to Oddsmith: by path where both are files, by package otherwise. */

import { basename, dirname, fromFileUrl, relative } from "@std/path";
import config from "../../../deno.json" with { type: "json" };

/** Specifiers for a new file's imports. */
export interface Specifiers {
  /** The public API. */
  readonly api: string;
  /** The helpers for tests of stages. */
  readonly testing: string;
}

/** The specifiers that work in a file at an absolute path. */
export function specifiersFor(path: string): Specifiers {
  const api = new URL("../../../mod.ts", import.meta.url);
  const testing = new URL("../../runner/testing.ts", import.meta.url);
  if (api.protocol !== "file:") {
    const name = `jsr:${config.name}@^${config.version}`;
    return { api: name, testing: `${name}/testing` };
  }
  return { api: importPath(path, api), testing: importPath(path, testing) };
}

/**
 * The flag that a command about a new file needs to resolve Oddsmith's own imports: none inside
 * the project, or where Oddsmith is a package.
 */
export function configFlag(path: string): string[] {
  const file = new URL("../../../deno.json", import.meta.url);
  if (file.protocol !== "file:") return [];
  const root = dirname(fromFileUrl(file));
  return relative(root, path).startsWith("..") ? ["--config", fromFileUrl(file)] : [];
}

/** A stage's or a pipeline's name, from its file's: lower case, words joined by "-". */
export function nameOf(path: string): string {
  return basename(path).replace(/\.[^.]*$/, "").replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+|-+$/g, "");
}

function importPath(from: string, to: URL): string {
  const path = relative(dirname(from), fromFileUrl(to)).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}
