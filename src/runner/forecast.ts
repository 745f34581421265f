/**
 * What a stage can say before it runs: facts about what it will give, for the stages after it, and
 * lines for people, which `plan` prints. Types alone.
 */

import type { JsonObject } from "../base/json.ts";

/** What is known of an input while nothing runs. */
export interface InputForecast<R = unknown> {
  /** Reads the artifact; present where it is in the store already. */
  readonly read?: () => Promise<R>;
  /** What the stage that will make it said of it; absent where it is stored, or said nothing. */
  readonly facts?: JsonObject;
}

/** What a stage that is asked for a forecast is given. */
export interface ForecastContext<C = unknown> {
  /** The resolved configuration. */
  readonly config: C;
  /** As in the stage's context. */
  readonly seed: string;
  /** As in the stage's context. */
  readonly device: string;
  /** By port; optional ports may be missing. */
  readonly inputs: Readonly<Record<string, InputForecast>>;
  /** As in the stage's context. */
  resolvePath(path: string): string;
}

/** What a stage says beforehand. */
export interface Forecast {
  /** For people, one thing a line: "at most 2.3 GiB of device memory". */
  readonly lines?: readonly string[];
  /** Facts about outputs, by port. */
  readonly outputs?: Readonly<Record<string, JsonObject>>;
}
