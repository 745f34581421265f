/**
 * Runs the GGUF files of exported_model.ts in llama.cpp and compares what it gives with what this
 * project has of the trained model: probabilities of the first token, and greedy text.
 *
 *     NODE_LLAMA_CPP=FOLDER deno run -A tests/golden/exported_gguf.ts <folder of exported_model.ts>
 */

import { join } from "@std/path";
import { loadCausalLM } from "../../src/models/folder/load.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { llamaCpp } from "../models/llama_cpp.ts";
import { nextProbabilities } from "../models/next_logits.ts";

const [folder] = Deno.args;
if (!folder) throw new Error("usage: exported_gguf.ts <folder of exported_model.ts>");
const expected = JSON.parse(await Deno.readTextFile(join(folder, "expected.json")));
const greedy: number[] = expected.trained.greedy;
await openDevice("wasm");
const model = await loadCausalLM(join(folder, "huggingface-float32"));
const own = await nextProbabilities(model, expected.prompt);

let failed = false;
for (const type of ["F32", "F16", "BF16", "Q8_0"]) {
  const file = join(folder, "gguf", `m-${type}.gguf`);
  const answer = await llamaCpp({ model: file, prompts: [expected.prompt], count: greedy.length });
  const errors = (answer.probabilities[0] ?? []).map(([id, theirs]) => Math.abs(theirs - own[id]!));
  const error = errors.length === 0 ? NaN : Math.max(...errors);
  const found = answer.greedy[0]!;
  const differs = found.findIndex((id, i) => id !== greedy[i]);
  // llama.cpp stops at the token that ends the answer.
  const same = differs < 0
    ? `all ${found.length} until it ended`
    : `the first ${differs} of ${found.length}`;
  console.log(`${type}: probabilities off by ${error.toExponential(1)}; greedy equal in ${same}`);
  failed ||= type.startsWith("F") && (differs >= 0 || !(error <= 5e-3));
}
if (failed) Deno.exit(1);
