/** A stage's options, checked by its schema; every issue with the place of the value it is about. */

import type { OddsmithError } from "../../base/error.ts";
import { nearestName } from "../../base/nearest.ts";
import type { JsonObject } from "../../base/json.ts";
import type { AnyStage, SchemaIssue } from "../contract.ts";
import { describeValue } from "../plan/describe.ts";
import { badOption, missingOption, unknownOption } from "./load_errors.ts";
import type { StageDraft } from "./spec.ts";
import { clonePlain, deepFreeze, plainJson } from "./plain_data.ts";
import { optionNames } from "./schema_options.ts";
import { configNotJson, schemaFailed } from "./stage_errors.ts";

/** A stage's configuration, deeply frozen, in both its forms. */
export interface LoadedConfig {
  /** What the schema gave: defaults filled in. */
  readonly config: unknown;
  /** The same as plain JSON. */
  readonly configJson: JsonObject;
}

/** What some schemas (zod's) say of an issue beyond the standard. */
interface RichIssue extends SchemaIssue {
  readonly code?: string;
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly RichIssue[])[];
  readonly values?: readonly unknown[];
}

type OptionPath = readonly (string | number)[];

/** Checks a stage's options; undefined, and at least one problem more, where they are refused. */
export async function loadConfig(
  stage: AnyStage,
  stageId: string,
  draft: StageDraft,
  problems: OddsmithError[],
): Promise<LoadedConfig | undefined> {
  const options = clonePlain(draft.options);
  let result;
  try {
    result = await stage.config["~standard"].validate(options);
  } catch (error) {
    problems.push(schemaFailed(stageId, error, draft.at(["with"], "key")));
    return undefined;
  }
  if (result.issues !== undefined) {
    const issues = result.issues.flatMap((issue) => innermost(issue, []));
    problems.push(...issues.flatMap((issue) => issueProblems(issue, stage, stageId, draft)));
    return undefined;
  }
  const plain = plainJson(result.value ?? {});
  if ("notJson" in plain) {
    problems.push(configNotJson(stageId, plain.notJson, draft.at(["with"], "key")));
    return undefined;
  }
  return { config: deepFreeze(result.value), configJson: deepFreeze(plain.json) as JsonObject };
}

interface PlacedIssue {
  readonly issue: RichIssue;
  readonly path: OptionPath;
}

/**
 * An issue with its whole path. Of a value that fits no alternative, the alternative that it gets
 * furthest into speaks: its issues are nearer to what the reader meant.
 */
function innermost(issue: RichIssue, above: OptionPath): PlacedIssue[] {
  const path = [...above, ...issuePath(issue)];
  const deepest = issue.errors?.filter((branch) =>
    branch.some((inner) => issuePath(inner).length > 0)
  );
  const [branch] = deepest ?? [];
  if (branch !== undefined && deepest!.length === 1) {
    return branch.flatMap((inner) => innermost(inner, path));
  }
  return [{ issue, path }];
}

function issueProblems(
  { issue, path }: PlacedIssue,
  stage: AnyStage,
  stageId: string,
  draft: StageDraft,
): OddsmithError[] {
  if (issue.code === "unrecognized_keys" && issue.keys !== undefined) {
    const known = optionNames(stage, path);
    return issue.keys.map((key) => {
      const option = [...path, key];
      return unknownOption(option.join("."), stageId, known, draft.at(["with", ...option], "key"));
    });
  }
  const option = path.join(".");
  const value = valueAt(draft.options, path);
  const wanted = issueReason(issue);
  if (value === undefined && path.length > 0) {
    const place = draft.at(["with", ...path.slice(0, -1)], path.length === 1 ? "key" : "value");
    return [missingOption(option, stageId, wanted, place)];
  }
  const nearest = typeof value === "string"
    ? nearestName(value, (issue.values ?? []).map(String))
    : undefined;
  const reason = wanted.startsWith("expected ")
    ? `${wanted}, received ${describeValue(value)}`
    : wanted;
  return [badOption(option, stageId, reason, nearest, draft.at(["with", ...path]))];
}

/** What was wanted: an issue's message without the parts that every message has. */
function issueReason(issue: RichIssue): string {
  if (issue.code === "invalid_union" && issue.errors !== undefined) {
    const wanted = issue.errors.flat().map((inner) => issueReason(inner).replace(/^expected /, ""));
    if (wanted.length > 0) return `expected ${[...new Set(wanted)].join(" or ")}`;
  }
  if (issue.values !== undefined) {
    return `expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
  }
  const message = issue.message
    .replace(/^Invalid (input|option): /, "")
    .replace(/, received [\w ]+$/, "")
    .replace(/^Too (?:small|big): expected (\w+) to (?:be|have) ([<>]=?)/, "expected $1 $2 ");
  return message.charAt(0).toLowerCase() + message.slice(1);
}

function issuePath(issue: SchemaIssue): OptionPath {
  return (issue.path ?? []).map((segment) => {
    const key = typeof segment === "object" ? segment.key : segment;
    return typeof key === "symbol" ? String(key) : key;
  });
}

function valueAt(value: unknown, path: OptionPath): unknown {
  return path.reduce<unknown>(
    (inside, key) =>
      typeof inside === "object" && inside !== null && Object.hasOwn(inside, key)
        ? (inside as Record<string | number, unknown>)[key]
        : undefined,
    value,
  );
}
