/** Asks stages that are to run what they can say beforehand, and hands on what they say. */

import { OddsmithError } from "../../base/error.ts";
import type { JsonObject } from "../../base/json.ts";
import type { InputForecast } from "../forecast.ts";
import { portDemand } from "../load/stage_contract.ts";
import type { ResolvedStage } from "../resolved.ts";
import { resolvePath } from "../run/resolve_path.ts";
import { stageSeed } from "../store/cache_key.ts";
import type { Planning } from "./decide.ts";

/** The forecasts of a plan's stages, in their order. */
export class Forecasts {
  readonly #planning: Planning;
  /** What stages said of their outputs, by "stage-id.port". */
  readonly #facts = new Map<string, JsonObject>();

  /** Asks within a plan; what it knows of outputs is what the inputs here are. */
  constructor(planning: Planning) {
    this.#planning = planning;
  }

  /** A stage's lines; what keeps it from running later is one of them. */
  async ask(resolved: ResolvedStage): Promise<readonly string[]> {
    const { stage, config, id } = resolved;
    if (!stage.forecast) return [];
    const { pipeline } = this.#planning;
    try {
      const { lines = [], outputs = {} } = await stage.forecast({
        config,
        seed: stageSeed(pipeline, id),
        device: pipeline.device,
        inputs: this.#inputs(resolved),
        resolvePath: (path) => resolvePath(pipeline, path),
      });
      for (const [port, facts] of Object.entries(outputs)) this.#facts.set(`${id}.${port}`, facts);
      return lines;
    } catch (error) {
      if (!(error instanceof OddsmithError)) throw error;
      return [error.message, ...(error.hint ? [`hint: ${error.hint}`] : [])];
    }
  }

  #inputs({ stage, inputs }: ResolvedStage): Record<string, InputForecast> {
    const known: Record<string, InputForecast> = {};
    for (const [port, { stageId, port: output }] of Object.entries(inputs)) {
      const ref = `${stageId}.${output}`;
      const stored = this.#planning.outputs.get(ref);
      const { type } = portDemand(stage.inputs[port]!);
      known[port] = stored
        ? { read: () => type.read(this.#planning.store.filesDir(stored.digest)) }
        : { facts: this.#facts.get(ref) };
    }
    return known;
  }
}
