/** How an exported model is loaded, for its card: by the library it is for, and by Oddsmith. */

import type { ModelCardInput } from "./model_card.ts";

/** The section's text. */
export function loadingSection(input: ModelCardInput): string {
  return LOADERS[input.format](input);
}

const block = (language: string, lines: readonly string[]) =>
  ["```" + language, ...lines, "```"].join("\n");

const LOADERS: Readonly<Record<ModelCardInput["format"], (input: ModelCardInput) => string>> = {
  huggingface: () =>
    [
      "With transformers, from this folder:",
      block("python", [
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        'model = AutoModelForCausalLM.from_pretrained(".", dtype="auto")',
        'tokenizer = AutoTokenizer.from_pretrained(".")',
      ]),
      "With Oddsmith, in a pipeline:",
      block("yaml", ["- uses: model", "  with: { from: . }"]),
    ].join("\n\n"),
  adapter: ({ base }) => {
    const known = base?.isRepository && base.isDirect ? base : undefined;
    const from = known?.name ?? "path/to/the/base";
    const reference = known?.revision ? `${from}@${known.revision}` : from;
    const name = JSON.stringify(from);
    const revision = known?.revision ? `, revision=${JSON.stringify(known.revision)}` : "";
    return [
      "With PEFT, from this folder, on the model it was trained beside:",
      block("python", [
        "from peft import PeftModel",
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        `base = AutoModelForCausalLM.from_pretrained(${name}${revision})`,
        'model = PeftModel.from_pretrained(base, ".")',
        `tokenizer = AutoTokenizer.from_pretrained(${name}${revision})`,
      ]),
      "With Oddsmith, in a pipeline:",
      block("yaml", ["- uses: model", `  with: { from: ${reference}, adapter: . }`]),
    ].join("\n\n");
  },
  gguf: ({ files = [] }) => {
    const file = files[0] ?? "model.gguf";
    return [
      "With llama.cpp, from this folder:",
      block("sh", [`llama-cli -m ${JSON.stringify(file)}`]),
      "With Oddsmith, in a pipeline:",
      block("yaml", ["- uses: model", `  with: { from: ${JSON.stringify(`./${file}`)} }`]),
    ].join("\n\n");
  },
};
