/** A process that downloads the model's weights and says how far it is: for a test to kill. */

import { MODEL } from "./support.ts";
import { hubSettings } from "../../src/hub/settings.ts";
import { resolveCommit, Snapshot } from "../../src/hub/snapshot.ts";

const settings = await hubSettings();
const commit = await resolveCommit(MODEL, { settings });
const snapshot = await Snapshot.open(MODEL, commit, {
  settings,
  onProgress: ({ bytes }) => console.log(bytes),
});
await snapshot.fetch(["model.safetensors"]);
