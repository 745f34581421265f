/**
 * What a running stage is given, built from the session.
 *
 * Invariant: a stage sees only this; after `finish` nothing it still does reaches the run.
 */

import type { JsonObject } from "../../base/json.ts";
import { stageSeed } from "../store/cache_key.ts";
import type { ArtifactHandle, ArtifactType, InputPort, StageContext } from "../contract.ts";
import type { LineFile } from "./line_file.ts";
import { deepFreeze } from "../load/plain_data.ts";
import { ProgressThrottle } from "./progress_throttle.ts";
import { resolvePath } from "./resolve_path.ts";
import type { ResolvedStage } from "../resolved.ts";
import type { RunSession } from "../plan/session.ts";

type AnyType = ArtifactType<unknown, unknown>;
type AnyContext = StageContext<Record<string, AnyType>, unknown>;

/** A stage's context, and how to end it. */
export interface OpenContext {
  /** What the stage is given. */
  readonly ctx: AnyContext;
  /** Passes on the last progress report and turns the context's voice off. */
  finish(): void;
}

/** Builds the context of a stage whose inputs are all known. */
export function openContext(
  session: RunSession,
  resolved: ResolvedStage,
  scratch: string,
  log: LineFile,
): OpenContext {
  const { planning, run, signal } = session;
  const { pipeline } = planning;
  const stageId = resolved.id;
  const progress = new ProgressThrottle((report) =>
    session.emit({ type: "progress", stageId, progress: report })
  );
  let open = true;
  const whileOpen = <A extends unknown[]>(act: (...args: A) => void) => (...args: A): void => {
    if (open) act(...args);
  };
  const ctx: AnyContext = {
    id: stageId,
    inputs: inputHandles(session, resolved),
    config: deepFreeze(resolved.config),
    seed: stageSeed(pipeline, stageId),
    device: pipeline.device,
    profile: session.profile,
    run: {
      id: run.id,
      pipelineName: pipeline.name,
      pipeline: run.pipelineJson,
      startedAt: run.manifest.manifest.startedAt,
      records: earlierFacts(session, stageId),
    },
    signal,
    scratch,
    resolvePath: (path) => resolvePath(pipeline, path),
    report: whileOpen((report) => progress.report(report)),
    metrics: whileOpen((values) => session.emit({ type: "metrics", stageId, values })),
    record: whileOpen((facts: JsonObject) =>
      run.changeStage(stageId, { facts: { ...run.record(stageId).facts, ...facts } })
    ),
    log: whileOpen((message: string, level: "info" | "warn" = "info") => {
      log.append(`${level} ${message}`);
      session.emit({ type: "log", stageId, level, message });
    }),
  };
  return {
    ctx: Object.freeze(ctx),
    finish: () => {
      progress.finish();
      open = false;
    },
  };
}

function inputHandles(
  session: RunSession,
  resolved: ResolvedStage,
): Record<string, ArtifactHandle<unknown>> {
  const { store, outputs } = session.planning;
  const ports = resolved.stage.inputs as Record<string, AnyType | InputPort>;
  const handles: Record<string, ArtifactHandle<unknown>> = {};
  for (const [port, from] of Object.entries(resolved.inputs)) {
    const ref = `${from.stageId}.${from.port}`;
    const declared = ports[port]!;
    const type: AnyType = "type" in declared ? declared.type : declared;
    const { digest } = outputs.get(ref)!;
    const dir = store.filesDir(digest);
    let value: Promise<unknown> | undefined;
    handles[port] = Object.freeze({ ref, digest, dir, read: () => value ??= type.read(dir) });
  }
  return Object.freeze(handles);
}

function earlierFacts(session: RunSession, stageId: string): Record<string, JsonObject> {
  const facts: Record<string, JsonObject> = {};
  for (const stage of session.run.manifest.manifest.stages) {
    if (stage.id === stageId) break;
    if (stage.status === "done" || stage.status === "reused") facts[stage.id] = stage.facts;
  }
  return facts;
}
