import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { byteTokenizerFiles } from "../../src/text/byte_tokenizer.ts";

Deno.test("loadTokenizer: the model's positions, also as GPT-2 calls them", async () => {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(byteTokenizerFiles())) {
      await Deno.writeTextFile(join(dir, name), text);
    }
    for (const field of ["max_position_embeddings", "n_positions"]) {
      await Deno.writeTextFile(join(dir, "config.json"), JSON.stringify({ [field]: 77 }));
      assertEquals((await loadTokenizer(dir)).maxPositions, 77, field);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
