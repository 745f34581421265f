/** What stages know of their inputs before anything runs: stored artifacts, or what was said. */

import type { JsonObject } from "../src/base/json.ts";
import type { ModelConfig } from "../src/models/config.ts";
import type { InputForecast } from "../src/runner/contract.ts";
import type { Folder } from "./artifacts.ts";

/** A model's configuration; undefined where it is not known yet. */
export async function forecastConfig(model?: InputForecast): Promise<ModelConfig | undefined> {
  const { loadConfig } = await import("../src/models/folder/load.ts");
  const { parseConfig } = await import("../src/models/parse_config.ts");
  if (model?.read) return await loadConfig((await model.read() as Folder).dir);
  const json = model?.facts?.config as JsonObject | undefined;
  return json && parseConfig({ file: "config.json", json });
}
