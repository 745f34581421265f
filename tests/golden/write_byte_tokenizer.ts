/** Writes the byte-level tokenizer's files into the folder given, for tokenizers_golden.py. */

import { join } from "@std/path";
import { byteTokenizerFiles } from "../../src/text/byte_tokenizer.ts";

const [dir] = Deno.args;
if (dir === undefined) throw new Error("name the folder to write into");
for (const [name, text] of Object.entries(byteTokenizerFiles())) {
  await Deno.writeTextFile(join(dir, name), text);
}
