/**
 * Runs a GGUF file in llama.cpp, as npm's node-llama-cpp ships it built, and prints what it gave:
 *
 *     (cd FOLDER && npm install node-llama-cpp@3.22.1)
 *     node tests/golden/llama_cpp.mjs FOLDER '{"model": "x.gguf", "prompts": [[1]], "count": 20}'
 *
 * `prompts` are token ids, `texts` are tokenized; for each prompt `greedy` has `count` ids and
 * `probabilities` the ten likeliest first tokens. tests/models/llama_cpp_test.ts compares them.
 */

import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
import process from "node:process";

const [folder, request] = process.argv.slice(2);
const { model: modelPath, prompts = [], texts = [], count = 20 } = JSON.parse(request);
const entry = resolve(folder, "node_modules/node-llama-cpp/dist/index.js");
const { getLlama } = await import(pathToFileURL(entry).href);

const llama = await getLlama({ build: "never", gpu: false, logLevel: "error" });
const vocabOnly = prompts.length === 0;
const model = await llama.loadModel({ modelPath, gpuLayers: 0, vocabOnly });
const context = vocabOnly ? null : await model.createContext({ contextSize: 256, threads: 1 });
const result = { tokens: texts.map((text) => model.tokenize(text)), greedy: [], probabilities: [] };
const sequence = context?.getSequence();
for (const prompt of prompts) {
  await sequence.clearHistory();
  const ids = [];
  for await (const id of sequence.evaluate(prompt, { temperature: 0 })) {
    ids.push(id);
    if (ids.length >= count) break;
  }
  result.greedy.push(ids);
  await sequence.clearHistory();
  const all = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  // None where the token drawn ends the text.
  let likeliest = null;
  for await (
    const { probabilities } of sequence.evaluateWithMetadata(prompt, { probabilities: true }, all)
  ) {
    likeliest = [...probabilities].slice(0, 10);
    break;
  }
  result.probabilities.push(likeliest);
}
console.log(JSON.stringify(result));
process.exit(0);
