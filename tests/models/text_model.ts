/** Golden models with a tokenizer of their own, for what needs a whole folder. */

import { join } from "@std/path";
import { type GoldenCase, withGoldenModel } from "./fixtures.ts";

/** A byte-level tokenizer of so many tokens, the last of them special. */
function tinyTokenizer(vocabSize: number): Record<string, string> {
  const letters = Array.from({ length: vocabSize - 1 }, (_, i) => String.fromCharCode(0x21 + i));
  const vocab = Object.fromEntries([...letters, "<eos>"].map((token, id) => [token, id]));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, use_regex: true };
  return {
    "tokenizer.json": JSON.stringify({
      added_tokens: [{ id: vocabSize - 1, content: "<eos>", special: true, normalized: false }],
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: null,
      decoder: byteLevel,
      model: { type: "BPE", vocab, merges: [] },
    }),
    "tokenizer_config.json": JSON.stringify({
      eos_token: "<eos>",
      chat_template: "{{ messages[0].content }}",
    }),
  };
}

/** A golden case's folder, tokenizer included, and a path beside it for a GGUF file. */
export const withTextModel = (
  golden: GoldenCase,
  run: (dir: string, file: string) => Promise<void>,
): Promise<void> =>
  withGoldenModel(golden, async (dir) => {
    const files = tinyTokenizer(golden.config.vocab_size as number);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(dir, name), text);
    }
    await run(dir, join(dir, "model.gguf"));
  });
