/** Checkpoints against damage: one that is not whole is named and left, never gone on from. */

import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import type { Json } from "../../src/base/json.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import {
  checkpointStates,
  loadNewestCheckpoint,
  newestCheckpoint,
  saveCheckpoint,
} from "../../src/train/checkpoint.ts";
import { AdamW } from "../../src/train/optimizer.ts";
import { orpoOptions } from "../../src/train/options.ts";
import { initialState } from "../../src/train/state.ts";
import { fuzz, fuzzFolder, type Outcome } from "../fuzz/fuzz.ts";
import { anywhere, mutate } from "../fuzz/mutations.ts";
import { mutateJson } from "../fuzz/text_mutations.ts";
import { tinyModel } from "./tiny_model.ts";

Deno.test("loadNewestCheckpoint: a damaged checkpoint is removed with a warning, or is whole", async () => {
  const dir = await fuzzFolder();
  await openDevice("cpu");
  const [model, other] = [tinyModel("saved"), tinyModel("other")];
  const optimizer = new AdamW(model.trainable, orpoOptions.parse({}));
  const state = initialState({ epoch: 1, offset: 3, rng: [1, 2, 3, 4] });
  Object.assign(state, { step: 4, pairs: 12, tokens: 340, best: { step: 2, value: 0.5 } });
  await saveCheckpoint(dir, state, model, optimizer, 1);
  const files = ["state.json", "weights/model.safetensors", "optimizer/model.safetensors"];
  const paths = files.map((file) => join(dir, "checkpoint-00000004", file));
  const sound = paths.map((path) => Deno.readFileSync(path));
  const head: Json = JSON.parse(new TextDecoder().decode(sound[0]));
  const weightsOf = async () =>
    await Promise.all([...other.trainable.values()].map((one) => readFloats(one)));
  const saved = await Promise.all([...model.trainable.values()].map((one) => readFloats(one)));
  await fuzz("checkpoints", async (rng): Promise<Outcome> => {
    for (const path of paths) Deno.mkdirSync(dirname(path), { recursive: true });
    const which = Math.max(0, rng.int(5) - 2);
    paths.forEach((path, at) => {
      if (at !== which) return Deno.writeFileSync(path, sound[at]!);
      const isJson = at === 0 && rng.int(3) > 0;
      Deno.writeFileSync(path, isJson ? mutateJson(rng, head) : mutate(rng, sound[at]!, anywhere));
    });
    const states = await checkpointStates(dir);
    assertEquals((await newestCheckpoint(dir))?.step, states[0]?.step);
    const warnings: string[] = [];
    const log = (message: string) => void warnings.push(message);
    const found = await loadNewestCheckpoint(dir, other, optimizer, log);
    if (found === undefined) {
      assertEquals(warnings.length, 1);
      assert(
        /^TrainError CHECKPOINT_INVALID: Cannot use "checkpoint-00000004": /.test(warnings[0]!),
      );
      assert(!/Cannot read propert|undefined|is not a function/.test(warnings[0]!), warnings[0]);
      return "refused";
    }
    const written = JSON.parse(Deno.readTextFileSync(paths[0]!));
    if (written.stateDigest !== undefined) assertEquals(found, state);
    assert(
      Object.values(found).every((value) => typeof value !== "number" || Number.isFinite(value)),
    );
    assertEquals(await weightsOf(), saved);
    return "read";
  });
  for (const one of [model, other]) one.dispose();
  optimizer.dispose();
});
