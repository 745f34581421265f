/** Every folder of tests/fixtures/data/bad is an input, and the message it must give. */

import { assertEquals, assertInstanceOf } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { tryStage } from "../../src/runner/testing.ts";
import ingest from "../../stages/ingest.ts";
import { FIXTURES } from "./support.ts";

const BAD = join(FIXTURES, "bad");

for (const { name } of [...Deno.readDirSync(BAD)].sort((a, b) => (a.name < b.name ? -1 : 1))) {
  Deno.test(`ingest: bad input ${name} gives its message`, async () => {
    const dir = join(BAD, name);
    const names = [...Deno.readDirSync(dir)].map((entry) => entry.name);
    const options = names.includes("options.json")
      ? JSON.parse(Deno.readTextFileSync(join(dir, "options.json")))
      : {};
    const source = names.find((file) => file.startsWith("rows."));
    const error = await failure(() =>
      tryStage(ingest, { config: { source, ...options }, baseDir: dir })
    );
    assertInstanceOf(error, OddsmithError);
    // Which row a damaged stream breaks off at depends on the decoder's buffers.
    const message = error.format().replace(/row \d{3,}/g, "row N");
    assertEquals(message + "\n", Deno.readTextFileSync(join(dir, "message.txt")));
  });
}

async function failure(run: () => Promise<AsyncDisposable>): Promise<unknown> {
  try {
    await using _trial = await run();
  } catch (error) {
    return error;
  }
  throw new Error("no error was thrown");
}
