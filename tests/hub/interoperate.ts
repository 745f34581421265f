/**
 * Holds the cache of the hub against Hugging Face's own library, both ways; interoperate.py
 * says how to run it. Not a test of the suite: that library is no dependency.
 */

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { hubSettings } from "../../src/hub/settings.ts";
import { resolveCommit, Snapshot } from "../../src/hub/snapshot.ts";
import type { HubReference } from "../../src/hub/reference.ts";
import { FakeHub } from "./server.ts";
import { COMMIT, MODEL, MODEL_REPO } from "./support.ts";

const SCRIPT = fromFileUrl(new URL("interoperate.py", import.meta.url));
const DATASET: HubReference = { ...MODEL, text: "acme/pairs", type: "dataset", id: "acme/pairs" };
const WANTED: [HubReference, string[]][] = [
  [MODEL, ["config.json", "model.safetensors"]],
  [DATASET, ["data/train.jsonl"]],
];
const python = Deno.args[0] ?? "python3";

async function call(what: string, env: Record<string, string>): Promise<void> {
  const args = [SCRIPT, what, COMMIT];
  const { code } = await new Deno.Command(python, { args, env }).output().then((output) => {
    Deno.stderr.writeSync(output.stderr);
    return output;
  });
  assertEquals(code, 0, `interoperate.py ${what}`);
}

/** Fetches what is wanted with the cache and the hub that an environment names. */
async function fetchAll(env: Record<string, string>): Promise<string[]> {
  const settings = await hubSettings((name) => env[name]);
  const logs: string[] = [];
  for (const [reference, paths] of WANTED) {
    const options = { settings, log: (message: string) => logs.push(message) };
    const commit = await resolveCommit(reference, options);
    const snapshot = await Snapshot.open(reference, commit, options);
    await snapshot.fetch(paths);
    for (const path of paths) await Deno.readFile(snapshot.filePath(path));
  }
  return logs;
}

await using hub = new FakeHub();
const rows = new TextEncoder().encode('{"prompt":"a","chosen":"b","rejected":"c"}\n');
hub.repos.push(MODEL_REPO, {
  type: "dataset",
  id: "acme/pairs",
  commit: COMMIT,
  files: { "data/train.jsonl": rows },
});

for (const first of ["Oddsmith", "huggingface_hub"]) {
  const home = await Deno.makeTempDir({ prefix: "hf-home-" });
  const env = { HF_HOME: home, HF_ENDPOINT: hub.endpoint, HF_HUB_DISABLE_XET: "1" };
  try {
    if (first === "Oddsmith") {
      assertEquals(await fetchAll(env), []);
      await call("find", { ...env, HF_HUB_OFFLINE: "1" });
    } else {
      await call("download", env);
      assertEquals(await fetchAll({ ...env, HF_HUB_OFFLINE: "1" }), []);
      // Without a listing, a hub that is gone is asked in vain and the cache has to do.
      const gone = { ...env, HF_ENDPOINT: "http://127.0.0.1:9" };
      const warnings = await fetchAll(gone);
      console.log("warnings of a hub that is gone:", warnings.length);
    }
    console.log(`cached by ${first}: found by the other`);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}
