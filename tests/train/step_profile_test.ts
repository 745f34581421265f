import { assert, assertEquals } from "@std/assert";
import type { TrainingProfile } from "../../src/train/step_profile.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { tinyLlama } from "./tiny_llama.ts";
import { trainTiny } from "./tiny_model.ts";

const chosen = (profile: TrainingProfile | undefined) =>
  profile && [profile.firstStep, profile.steps];

forEachBackend("trainOrpo: profiled steps change no bit; steps 3 to 5 are seen", async (device) => {
  const dir = await Deno.makeTempDir();
  try {
    const train = async (name: string, profile: boolean) => {
      await Deno.mkdir(`${dir}/${name}`);
      const model = tinyLlama("weights");
      return await trainTiny(device, `${dir}/${name}`, { maxSteps: 6, evalSteps: 3 }, {
        model,
        profile,
      });
    };
    const plain = await train("plain", false);
    const profiled = await train("profiled", true);
    assertEquals(profiled.error, undefined);
    assertEquals(profiled.weights, plain.weights);
    assertEquals(plain.result?.profile, undefined);
    const profile = profiled.result!.profile!;
    assertEquals(chosen(profile), [3, 3]);
    assert(profile.kernelMs > 0 && profile.kernelMs < profile.wallMs);
    if (device.backend !== "webgpu") return;
    // Ours and tfjs's, the same ones in each of three equal steps.
    for (const label of ["matmul", "an AdamW update", "a silu gate's gradient", "tfjs Add"]) {
      const count = profile.ops.find((op) => op.label === label)?.count ?? 0;
      assert(count > 0 && count % 3 === 0, `${label}: ${count}`);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("trainOrpo: a profile goes by the steps that are left", async () => {
  const { openDevice } = await import("../../src/tensor/device.ts");
  const device = await openDevice("cpu");
  const dir = await Deno.makeTempDir();
  try {
    const steps = async (maxSteps: number) => {
      const run = { maxSteps, saveSteps: 1 };
      return chosen((await trainTiny(device, dir, run, { profile: true })).result?.profile);
    };
    assertEquals(await steps(1), [1, 1]);
    assertEquals(await steps(5), [3, 3]);
    assertEquals(await steps(5), undefined);
    assertEquals(await steps(9), [7, 3]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
