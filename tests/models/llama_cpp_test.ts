/**
 * What is exported, in llama.cpp itself. Opt-in: NODE_LLAMA_CPP names a folder where npm installed
 * node-llama-cpp, and node is on the path; see tests/golden/llama_cpp.mjs.
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { Rng } from "../../src/base/rng.ts";
import { generateBatch } from "../../src/models/generation/generate.ts";
import { exportGguf } from "../../src/models/gguf/export_gguf.ts";
import { importGguf } from "../../src/models/gguf/import_gguf.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { tokenizerFromGguf } from "../../src/text/gguf/from_gguf.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { openGguf } from "../../src/weights/gguf.ts";
import { writeGguf } from "../../src/weights/write_gguf.ts";
import { goldenCases, storiesDir } from "./fixtures.ts";
import { folder, llamaCpp } from "./llama_cpp.ts";
import { nextProbabilities } from "./next_logits.ts";
import { withTextModel } from "./text_model.ts";

const PROMPTS = [[1], [1, 403, 407, 261], [1, 410, 338, 401]];
const COUNT = 40;
/** The largest difference of a probability; the file's own rounding is on both sides. */
const BOUNDS = { F32: 2e-3, F16: 2e-3, BF16: 5e-3, Q8_0: 2e-2 };

// No special tokens: llama.cpp is not asked to look for them.
const PIECES = [
  ..."Once upon a time| |  |   |\n|\n\n|\r\n|\t|Lily|é|日本|🚀|0|12|1234|'s|'LL|don't|,".split("|"),
  ..."...|?!|_|--|{}|Ω|\u00a0|\u3000|०१|²|ﬀ|한국|x\u0301|\u200b| Tion|ا".split("|"),
];

function randomTexts(count: number): string[] {
  const rng = Rng.fromSeed("llama.cpp");
  return Array.from(
    { length: count },
    () => Array.from({ length: 1 + rng.int(9) }, () => PIECES[rng.int(PIECES.length)]).join(""),
  );
}

for (const [dtype, bound] of Object.entries(BOUNDS) as [keyof typeof BOUNDS, number][]) {
  Deno.test({
    name: `exportGguf: llama.cpp reads the ${dtype} file, and gives what this project gives`,
    ignore: folder === undefined || storiesDir === undefined,
    fn: async () => {
      await openDevice("wasm");
      const dir = await Deno.makeTempDir();
      const file = join(dir, "stories.gguf");
      await exportGguf(storiesDir!, file, { dtype });
      await importGguf(file, dir);
      const [own, tokenizer] = [await loadCausalLM(dir), await loadTokenizer(storiesDir!)];
      const texts = randomTexts(200);
      const answer = await llamaCpp({ model: file, prompts: PROMPTS, count: COUNT, texts });
      for (const [i, text] of texts.entries()) {
        assertEquals(answer.tokens[i], tokenizer.encode(text), JSON.stringify(text));
      }
      for (const [i, prompt] of PROMPTS.entries()) {
        const probabilities = await nextProbabilities(own, prompt);
        for (const [id, theirs] of answer.probabilities[i]!) {
          const difference = Math.abs(theirs - probabilities[id]!);
          assert(difference <= bound, `${dtype} token ${id}: ${difference}`);
        }
      }
      // With BF16 and Q8_0 llama.cpp rounds what it multiplies the weights with too, coarsely.
      if (dtype === "F32" || dtype === "F16") {
        const options = { maxNewTokens: COUNT, eosTokenIds: [] };
        assertEquals(answer.greedy, await generateBatch(own, PROMPTS, options));
      }
      own.dispose();
      await Deno.remove(dir, { recursive: true });
    },
  });
}

for (const [name, golden] of await goldenCases()) {
  Deno.test({
    name: `exportGguf: llama.cpp computes "${name}" as transformers does`,
    ignore: folder === undefined,
    fn: () =>
      withTextModel(golden, async (dir, file) => {
        await exportGguf(dir, file, { dtype: "F32" });
        const count = golden.greedy.length;
        const answer = await llamaCpp({ model: file, prompts: [golden.ids], count });
        assertEquals(answer.greedy[0], golden.greedy);
        const weights = golden.lastLogits.map(Math.exp);
        const sum = weights.reduce((total, weight) => total + weight, 0);
        for (const [id, theirs] of answer.probabilities[0]!) {
          // llama.cpp keeps keys and values in float16.
          assert(Math.abs(theirs - weights[id]! / sum) <= BOUNDS.F32, `token ${id}: ${theirs}`);
        }
      }),
  });
}

const VECTORS = "../shared/data/tokenizers/vectors/ggml-vocab-gpt-2.gguf";
const vectors = await Deno.stat(VECTORS).then(() => true, () => false);

for (const pre of ["gpt-2", "smollm", "llama-bpe", "dbrx", "stablelm2", "default"]) {
  Deno.test({
    name: `tokenizerFromGguf: a text is cut as llama.cpp's "${pre}" cuts it`,
    ignore: folder === undefined || !vectors,
    fn: async () => {
      const { metadata } = await openGguf(VECTORS);
      const named = new Map(metadata).set("tokenizer.ggml.pre", { type: "string", value: pre });
      const dir = await Deno.makeTempDir();
      const file = join(dir, "vocabulary.gguf");
      await writeGguf(file, named, new Map());
      for (const [name, text] of Object.entries(tokenizerFromGguf(file, named).files)) {
        await Deno.writeTextFile(join(dir, name), text);
      }
      const tokenizer = await loadTokenizer(dir);
      const texts = randomTexts(500);
      const { tokens } = await llamaCpp({ model: file, texts });
      for (const [i, text] of texts.entries()) {
        assertEquals(tokenizer.encode(text), tokens[i], JSON.stringify(text));
      }
      await Deno.remove(dir, { recursive: true });
    },
  });
}
