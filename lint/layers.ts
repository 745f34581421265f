/**
 * A Deno lint plugin: what a module may import, what it may not be called and how long it may be.
 * The table below is the rule that CONTRIBUTING.md tells in words; a folder that it does not name
 * (tests, bench, lint, the top level) may import anything but tfjs.
 */

import { basename, dirname, fromFileUrl, isAbsolute, join, relative } from "@std/path";

/**
 * Folders, or single files, that each layer may import beside itself and `src/base`; "folder/*" is
 * the files of a folder without its subfolders. A folder of another layer that has a rule of its own
 * stands before it.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "src/base": [],
  "src/runner": [],
  "src/data": [],
  "src/text/gguf": ["src/text", "src/data", "src/weights"],
  "src/text": ["src/data"],
  "src/weights": [],
  "src/hub": [],
  "src/tensor": [],
  "src/ops/attention": ["src/ops/*", "src/tensor"],
  "src/ops/norms": ["src/ops/*", "src/tensor"],
  "src/ops/update": ["src/ops/*", "src/tensor"],
  "src/ops/head": ["src/ops/*", "src/ops/linear", "src/ops/embedding", "src/tensor"],
  "src/ops": ["src/tensor"],
  "src/models/config": ["src/models/*", "src/ops/linear/activation.ts"],
  "src/models/architectures": ["src/models/*", "src/models/config", "src/ops", "src/tensor"],
  "src/models/generation": [
    "src/models/*",
    "src/models/folder/files.ts",
    "src/ops",
    "src/tensor",
  ],
  "src/models/gguf": ["src/models", "src/ops", "src/tensor", "src/weights", "src/text"],
  "src/models/export": ["src/models", "src/weights"],
  "src/models": ["src/ops", "src/tensor", "src/weights"],
  "src/train": ["src/models", "src/ops", "src/tensor", "src/weights", "src/text", "src/data"],
  "src/report": [],
  "src/chat": ["src/models", "src/text", "src/data", "src/tensor/device.ts"],
  "src/serve": ["src/chat", "src/models", "src/text", "src/data"],
  "src/cli": [
    "src/runner",
    "stages",
    "src/data",
    "src/text",
    "src/models",
    "src/weights",
    "src/hub",
    "src/chat",
    "src/serve",
    "src/report",
    "src/tensor/device.ts",
    "src/tensor/tuning_file.ts",
  ],
  "stages": [
    "src/runner/contract.ts",
    "src/runner/dataset.ts",
    "src/data",
    "src/text",
    "src/models",
    "src/weights",
    "src/hub",
    "src/train",
    "src/report",
    "src/tensor/device.ts",
  ],
  "plugins": ["mod.ts", "src/runner/testing.ts"],
  "pipelines": ["mod.ts", "stages", "plugins"],
};

const TENSOR_PACKAGES = /^(npm:\/?)?@tensorflow\//;
const CATCH_ALL = /^(utils?|helpers?|common|misc)\.[mc]?[jt]sx?$/;
const LONGEST = 350;
const ANY_LENGTH = /^(tests|lint|bench)\/|_test\.ts$/;

const ROOT = fromFileUrl(new URL("..", import.meta.url));

type Context = Deno.lint.RuleContext;
type SourceNode = { readonly source?: Deno.lint.Node | null };

/** A file's path from the top of the project, or undefined outside of it. */
function projectPath(file: string): string | undefined {
  const path = (isAbsolute(file) ? relative(ROOT, file) : file).replaceAll("\\", "/");
  return path.startsWith("../") ? undefined : path;
}

/** The layer a project file belongs to, e.g. "src/text". */
function layerOf(path: string): string | undefined {
  return Object.keys(ALLOWED).find((layer) => path.startsWith(`${layer}/`));
}

/** Whether an entry of the table is a file, or a folder that it lies in. */
function covers(entry: string, file: string): boolean {
  if (entry.endsWith("/*")) return dirname(file) === entry.slice(0, -2);
  return file === entry || file.startsWith(`${entry}/`);
}

/** Why `path` may not import `target` (both from the top), or undefined where it may. */
function refusal(path: string, target: string): string | undefined {
  const layer = layerOf(path);
  if (layer === undefined || !/\.[mc]?[jt]sx?$/.test(target)) return undefined;
  const allowed = [layer, "src/base", ...ALLOWED[layer]!];
  if (layer === "plugins") allowed.splice(1, 1);
  if (allowed.some((one) => covers(one, target))) return undefined;
  const list = allowed.slice(1).join(", ");
  return `${layer} may not import ${target}: ` +
    (list === "" ? "it may import nothing outside itself" : `it may import ${list}`);
}

/** Calls `check` with every specifier that a module imports, re-exports or loads as text. */
function onImports(
  check: (specifier: string, node: Deno.lint.Node) => void,
): Deno.lint.LintVisitor {
  const visit = ({ source }: SourceNode) => {
    if (source?.type === "Literal" && typeof source.value === "string") check(source.value, source);
  };
  return {
    ImportDeclaration: visit,
    ExportAllDeclaration: visit,
    ExportNamedDeclaration: visit,
    ImportExpression: visit,
    TSImportType: ({ argument }) =>
      argument.type === "TSLiteralType" ? visit({ source: argument.literal }) : undefined,
  };
}

const layers: Deno.lint.Rule = {
  create(context: Context): Deno.lint.LintVisitor {
    const path = projectPath(context.filename);
    if (path === undefined || layerOf(path) === undefined) return {};
    return onImports((specifier, node) => {
      if (!/^\.{1,2}\//.test(specifier)) return;
      const target = join(dirname(path), specifier).replaceAll("\\", "/");
      const message = refusal(path, target);
      if (message === undefined) return;
      context.report({ node, message, hint: "CONTRIBUTING.md tells which way imports point" });
    });
  },
};

const tensorDoor: Deno.lint.Rule = {
  create(context: Context): Deno.lint.LintVisitor {
    if (projectPath(context.filename)?.startsWith("src/tensor/")) return {};
    return onImports((specifier, node) => {
      if (!TENSOR_PACKAGES.test(specifier)) return;
      const message = `only src/tensor imports ${specifier}`;
      context.report({ node, message, hint: `import { tf } from "src/tensor/tf.ts"` });
    });
  },
};

const noUtils: Deno.lint.Rule = {
  create(context: Context): Deno.lint.LintVisitor {
    const name = basename(context.filename);
    if (!CATCH_ALL.test(name)) return {};
    return {
      Program: (node) => {
        const message = `"${name}" says nothing of what it holds`;
        context.report({ node, message, hint: "name a file after its one purpose" });
      },
    };
  },
};

const fileLength: Deno.lint.Rule = {
  create(context: Context): Deno.lint.LintVisitor {
    if (ANY_LENGTH.test(projectPath(context.filename) ?? "")) return {};
    return {
      Program: (node) => {
        const lines = context.sourceCode.text.trimEnd().split("\n").length;
        if (lines <= LONGEST) return;
        const message = `the file has ${lines} lines, more than ${LONGEST}`;
        context.report({ node, message, hint: "split it by purpose" });
      },
    };
  },
};

/** The plugin, as deno.json names it. */
const plugin: Deno.lint.Plugin = {
  name: "oddsmith",
  rules: {
    "layers": layers,
    "tensor-door": tensorDoor,
    "no-utils": noUtils,
    "file-length": fileLength,
  },
};

export default plugin;
