/**
 * Bad input through the stages "template" and "tokenize": a folder in tests/fixtures/text is a case,
 * its message.txt what people read. `UPDATE_MESSAGES=1` writes the messages anew.
 */

import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import type { JsonObject } from "../../src/base/json.ts";
import type { PreferencePair } from "../../src/data/pair.ts";
import { datasetOf, tryStage } from "../../src/runner/testing.ts";
import { byteTokenizerFiles } from "../../src/text/byte_tokenizer.ts";
import { template } from "../../stages/template.ts";
import { tokenize } from "../../stages/tokenize.ts";
import { folderOf } from "./tokenizer_sources.ts";

const FIXTURES = "tests/fixtures/text";

interface Case {
  rows: PreferencePair[];
  /** Options of the two stages. */
  template: JsonObject;
  tokenize?: JsonObject;
  /** The model folder is the case's files alone; else the byte-level tokenizer is under them. */
  bare?: boolean;
}

async function modelFiles(dir: string, bare: boolean | undefined): Promise<Record<string, string>> {
  const files: Record<string, string> = bare ? {} : byteTokenizerFiles();
  const own = await Array.fromAsync(Deno.readDir(join(dir, "model"))).catch(() => []);
  for (const { name } of own) files[name] = await Deno.readTextFile(join(dir, "model", name));
  return files;
}

async function runStages({ rows, ...options }: Case, modelDir: string): Promise<void> {
  const model = { dir: modelDir };
  const pairs = datasetOf({ train: rows });
  await using written = await tryStage(template, {
    config: options.template as never,
    inputs: { pairs, model },
    baseDir: modelDir,
  });
  const texts = await Array.fromAsync((await written.outputs.pairs.read()).rows("train"));
  await using _encoded = await tryStage(tokenize, {
    config: (options.tokenize ?? {}) as never,
    inputs: { pairs: datasetOf({ train: texts }), model },
  });
}

for (const { name } of [...Deno.readDirSync(FIXTURES)].sort((a, b) => a.name < b.name ? -1 : 1)) {
  Deno.test(`bad input: ${name} says what is wrong, where, and what to do`, async () => {
    const dir = join(FIXTURES, name);
    const given = JSON.parse(await Deno.readTextFile(join(dir, "case.json"))) as Case;
    const modelDir = await folderOf(await modelFiles(dir, given.bare));
    try {
      const error = await assertRejects(() => runStages(given, modelDir), OddsmithError);
      const message = error.format().replace(/\/[^ "]*\/inputs\/model/g, "<model>")
        .replaceAll(modelDir, "<model>") + "\n";
      const file = join(dir, "message.txt");
      if (Deno.env.get("UPDATE_MESSAGES")) await Deno.writeTextFile(file, message);
      assertEquals(message, await Deno.readTextFile(file));
    } finally {
      await Deno.remove(modelDir, { recursive: true });
    }
  });
}
