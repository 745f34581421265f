/**
 * The source of a plugin: which local files a stage's module is made of, and their digest, so that
 * an edited plugin is run again. Oddsmith's own files do not count: a stage's version speaks for
 * them.
 */

import { dirname, extname, fromFileUrl, join, relative, resolve } from "@std/path";
import { canonicalJson } from "../../base/json.ts";
import { sha256, sha256File } from "../../base/hash.ts";
import { importSpecifiers } from "./import_scan.ts";

const CODE = new Set([".ts", ".mts", ".tsx", ".js", ".mjs", ".jsx"]);

/** Lists the local files a module imports by itself; absolute, in the order of its text. */
export async function localImports(file: string): Promise<string[]> {
  if (!CODE.has(extname(file))) return [];
  const paths: string[] = [];
  for (const specifier of importSpecifiers(await Deno.readTextFile(file))) {
    const path = localPath(specifier, file);
    if (path !== undefined && !isOwnModule(path) && await isFile(path)) paths.push(path);
  }
  return paths;
}

/** Lists a module and the local files it imports, directly or not; absolute, sorted. */
export async function localModules(file: string): Promise<string[]> {
  const seen = new Set([file]);
  for (const path of seen) {
    for (const imported of await localImports(path)) seen.add(imported);
  }
  return [...seen].sort();
}

/** The digest of a module and the local modules it imports; the same wherever the folder lies. */
export async function moduleGraphDigest(file: string): Promise<string> {
  const files: Record<string, string> = {};
  for (const path of await localModules(file)) {
    files[relative(dirname(file), path).replaceAll("\\", "/")] = await sha256File(path);
  }
  return sha256(canonicalJson(files));
}

function localPath(specifier: string, importer: string): string | undefined {
  const [path] = specifier.split(/[?#]/);
  if (path!.startsWith("file:")) return fromFileUrl(path!);
  return /^\.{0,2}\//.test(path!) ? resolve(dirname(importer), path!) : undefined;
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}

function isOwnModule(path: string): boolean {
  if (!import.meta.url.startsWith("file:")) return false;
  const root = fromFileUrl(new URL("../../..", import.meta.url));
  const own = [join(root, "src"), join(root, "stages"), join(root, "mod.ts")];
  return own.some((one) => path === one || path.startsWith(`${one}/`));
}
