/**
 * The model that an adapter was trained beside, found by what its adapter_config.json says. What the
 * command line says goes before this, and is not looked at here.
 */

import { isAbsolute, join } from "@std/path";
import { OddsmithError } from "../base/error.ts";
import { readAdapterBase } from "../models/lora/config.ts";
import { isAdapterFolder } from "../models/lora/folder.ts";
import { adapterOnAdapter, adapterWithoutBase, baseNotFetched, baseNotFound } from "./errors.ts";
import { type FoundModel, localModel } from "./found_model.ts";
import { fetchHubModel } from "./hub_model.ts";

/**
 * Finds it: a path from the adapter's folder, then from the working directory, then a repository.
 *
 * @param configFile The adapter's configuration.
 * @param say Receives how a download goes.
 * @throws {OddsmithError} ARGUMENTS where it is not named or not there; the hub's errors.
 */
export async function namedBase(
  dir: string,
  configFile: string,
  say: (line: string) => void,
): Promise<FoundModel> {
  const named = await readAdapterBase(configFile);
  if (named === undefined) throw adapterWithoutBase(configFile);
  const { name, revision } = named;
  const paths = isAbsolute(name) ? [name] : [join(dir, name), name];
  for (const path of paths) {
    if (await isAdapterFolder(path)) throw adapterOnAdapter(configFile, name);
    const found = await localModel(path);
    if (found !== undefined) return found;
  }
  const hub = await fetchHubModel(revision === undefined ? name : `${name}@${revision}`, say)
    .catch((error) => {
      throw error instanceof OddsmithError ? baseNotFetched(configFile, name, error) : error;
    });
  if (hub === undefined) throw baseNotFound(configFile, name, paths);
  if (hub.isAdapter) throw adapterOnAdapter(configFile, name);
  return hub;
}
