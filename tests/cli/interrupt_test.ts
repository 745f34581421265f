/** Ctrl-C and SIGTERM on a running pipeline. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fixture, Workplace } from "./program.ts";

const SLOW = ["run", fixture("good.yaml"), "--set", "stages.pairs.with.delayMs=100"];
const MANY = ["--set", "stages.pairs.with.count=100"];

/** Reads a stream until a text has come, and goes on collecting. */
class Watched {
  text = "";
  readonly #reader: ReadableStreamDefaultReader<string>;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  }

  async until(wanted: string): Promise<void> {
    while (!this.text.includes(wanted)) {
      const { value, done } = await this.#reader.read();
      assert(!done, `ended before "${wanted}": ${this.text}`);
      this.text += value;
    }
  }

  async rest(): Promise<string> {
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) return this.text;
      this.text += value;
    }
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `run: ${signal} exits with 130 and leaves a run that goes on`,
    ignore: Deno.build.os === "windows",
    async fn() {
      await using place = await Workplace.make();
      const child = place.start(...SLOW, ...MANY);
      const stderr = new Watched(child.stderr);
      await stderr.until("pairs started");
      child.kill(signal);
      const { code } = await child.status;
      assertEquals(code, 130, await stderr.rest());
      await child.stdout.cancel();
      assertStringIncludes(await stderr.rest(), "Stopping");
      assertStringIncludes(stderr.text, "goes on from there");
      assertEquals(JSON.parse((await place.run("ls", "--json")).stdout)[0].status, "interrupted");
      const again = await place.run("run", fixture("good.yaml"));
      assertEquals(again.code, 0, again.stderr);
    },
  });
}

Deno.test({
  name: "run: a second SIGINT ends the process at once",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using place = await Workplace.make();
    const child = place.start("run", fixture("deaf.yaml"));
    const stderr = new Watched(child.stderr);
    await stderr.until("deaf started");
    child.kill("SIGINT");
    await stderr.until("Ctrl-C again");
    child.kill("SIGINT");
    const { code } = await child.status;
    assertEquals(code, 130, await stderr.rest());
    await child.stdout.cancel();
    await stderr.rest();
    assertEquals(JSON.parse((await place.run("ls", "--json")).stdout)[0].status, "killed");
  },
});
