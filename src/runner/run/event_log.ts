/**
 * events.jsonl: every event of a run with its time, one JSON object a line.
 *
 * Invariant: a reader sees whole events only; the torn last line of a killed run is left out.
 */

import { TextLineStream } from "@std/streams";
import type { RunEvent } from "../events.ts";

/** An event with its time (ISO 8601, UTC). */
export type TimedEvent = { time: string } & RunEvent;

/** An event as its line. */
export function eventLine(event: RunEvent): string {
  return JSON.stringify({ time: new Date().toISOString(), ...event });
}

/** Reads the events of an events.jsonl in order; none where a run was killed before its first. */
export async function* readEvents(path: string): AsyncGenerator<TimedEvent> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  const lines = file.readable.pipeThrough(new TextDecoderStream()).pipeThrough(
    new TextLineStream(),
  );
  for await (const line of lines) {
    const event = parseEvent(line);
    if (event) yield event;
  }
}

function parseEvent(line: string): TimedEvent | undefined {
  try {
    const event = JSON.parse(line);
    return typeof event?.time === "string" && typeof event.type === "string" ? event : undefined;
  } catch {
    return undefined;
  }
}
