/** YAML and JSON pipelines as data with the line and column of every value and key. */

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  visit,
} from "yaml";
import type { ErrorLocation, OddsmithError } from "../../base/error.ts";
import { findJsonFault } from "./json_fault.ts";
import { malformed } from "./load_errors.ts";
import type { NodePath, PipelineSource } from "./pipeline_source.ts";
import { parseYaml } from "./yaml_document.ts";

/** After one fault others follow from it; so many are told. */
const MOST_FAULTS = 20;

/** What parsing gives: the data, or everything that is wrong with the text. */
export type ParsedText =
  | { readonly source: PipelineSource; readonly problems?: undefined }
  | { readonly problems: readonly OddsmithError[] };

/**
 * Parses a pipeline's text.
 *
 * @param shown The file as messages name it.
 * @throws {OddsmithError} ENV_DENIED.
 */
export function parsePipelineText(
  text: string,
  format: "YAML" | "JSON",
  file: string,
  shown: string,
): ParsedText {
  try {
    return parseText(text, format, file, shown);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { problems: [malformed(format, "it is nested too deeply", { file: shown })] };
  }
}

function parseText(
  text: string,
  format: "YAML" | "JSON",
  file: string,
  shown: string,
): ParsedText {
  const lines = new LineCounter();
  const document = parseYaml(text, lines);
  const locate = (offset: number): ErrorLocation => {
    const { line, col } = lines.linePos(offset);
    return { file: shown, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const fault = format === "JSON" && !isJson(text) ? findJsonFault(text) : undefined;
  if (fault !== undefined) {
    return { problems: [malformed("JSON", fault.reason, locate(fault.offset))] };
  }
  const problems = document.errors.map((error) =>
    malformed(format, yamlReason(error.code, error.message), locate(error.pos[0]))
  );
  const refuse = (reason: string, node: Node) =>
    void problems.push(malformed(format, reason, locate(node.range?.[0] ?? 0)));
  visit(document, {
    Alias: (_, alias, above) => {
      const named = alias.resolve(document);
      if (named === undefined) {
        refuse(`no earlier value has the anchor "&${alias.source}"`, alias);
      } else if (above.includes(named)) {
        refuse(`"*${alias.source}" stands for the value that it is a part of`, alias);
      }
    },
    Pair: (_, { key }) => {
      if (!isText(key, document)) refuse("a key that is no text", key as Node);
    },
  });
  if (problems.length > 0) return { problems: problems.slice(0, MOST_FAULTS) };
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    const reason = error instanceof Error ? lowerFirst(error.message) : String(error);
    return { problems: [malformed(format, reason, { file: shown })] };
  }
  return {
    source: { file, value, place: (path, part) => locate(findOffset(document, path, part)) },
  };
}

/** Whether a key is what a map of names can have: text, or a number or so that is as good. */
function isText(key: unknown, document: Document): boolean {
  const named = isAlias(key) ? key.resolve(document) : key;
  return !isMap(named) && !isSeq(named) &&
    !(isScalar(named) && typeof named.value === "object" && named.value !== null);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function yamlReason(code: string, message: string): string {
  if (message.startsWith("Maximum call stack")) return "it is nested too deeply";
  if (code === "DUPLICATE_KEY") return "a key is written twice in one map";
  if (code === "MULTIPLE_DOCS") return "more than one document in the file";
  return lowerFirst(message);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Walks down `path` as far as it leads; the offset of the key or of the value it ends at. */
function findOffset(document: Document, path: NodePath, part: "key" | "value" = "value"): number {
  let node = document.contents as Node | null;
  let offset = node?.range?.[0] ?? 0;
  for (const [depth, segment] of path.entries()) {
    const inside: unknown = isAlias(node) ? node.resolve(document) : node;
    if (isMap(inside)) {
      const pair = inside.items.find((item) =>
        isScalar(item.key) && String(item.key.value) === String(segment)
      );
      if (pair === undefined) return offset;
      const key = pair.key as Node;
      node = pair.value as Node | null;
      const wantsKey = part === "key" && depth === path.length - 1;
      offset = (wantsKey ? undefined : node?.range?.[0]) ?? key.range![0];
    } else if (isSeq(inside)) {
      const item = inside.items[Number(segment)] as Node | undefined;
      if (item === undefined) return offset;
      node = item;
      offset = item.range?.[0] ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}
