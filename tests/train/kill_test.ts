import { assert, assertEquals } from "@std/assert";
import { openDevice } from "../../src/tensor/device.ts";
import { steady, trainTiny } from "./tiny_model.ts";
import { KILL_OPTIONS } from "./train_child.ts";

/** Starts a training process and kills it once its log has so many rows. */
async function trainAndKill(dir: string, rows: number): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--no-check",
      new URL("train_child.ts", import.meta.url).href,
      dir,
    ],
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  let ended = false;
  const status = child.status.then((status) => (ended = true, status));
  const written = async () =>
    (await Deno.readTextFile(`${dir}/steps.jsonl`).catch(() => "")).split("\n").length - 1;
  while (!ended && await written() < rows) await new Promise((resolve) => setTimeout(resolve, 3));
  child.kill("SIGKILL");
  assertEquals((await status).signal, "SIGKILL");
}

Deno.test("trainOrpo: killed at any moment, again and again, ends as if it never was", async () => {
  const device = await openDevice("cpu");
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/killed`);
    await Deno.mkdir(`${dir}/straight`);
    for (const rows of [6, 24]) await trainAndKill(`${dir}/killed`, rows);
    const resumed = await trainTiny(device, `${dir}/killed`, KILL_OPTIONS);
    const straight = await trainTiny(device, `${dir}/straight`, KILL_OPTIONS);
    assert(resumed.result!.resumedFrom! >= 18);
    assertEquals(resumed.warnings, []);
    assertEquals(steady(resumed.rows), steady(straight.rows));
    assertEquals(resumed.weights, straight.weights);
    const names = [...Deno.readDirSync(`${dir}/killed`)].map((entry) => entry.name);
    assertEquals(names.filter((name) => name.startsWith(".")), []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
