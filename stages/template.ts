/**
 * The stage "template": writes preference pairs as the text the model will see, by a chat template
 * or as they are. Nothing is added that the template does not write; BOS and EOS are tokenize's.
 */

import { z } from "zod";
import type { JsonObject } from "../src/base/json.ts";
import type { PreferencePair } from "../src/data/pair.ts";
import { API_VERSION, optional, type Stage, type StageContext } from "../src/runner/contract.ts";
import type { InputPort } from "../src/runner/contract.ts";
import type { Dataset, DatasetDraft } from "../src/runner/dataset.ts";
import type { TemplatedPair } from "../src/text/pair.ts";
import type { TemplateOptions } from "../src/text/template_pair.ts";
import { modelFolder, preferencePairs, templatedPairs } from "./artifacts.ts";
import { eachRow } from "./each_row.ts";

const templateChoice = z.union([
  z.string(),
  z.strictObject({ model: z.string().describe("One of the model's own templates, by name.") }),
  z.strictObject({ file: z.string().describe("A Jinja file, from the pipeline file's folder.") }),
  z.strictObject({ inline: z.string().describe("The Jinja itself.") }),
]);

const config = z.strictObject({
  template: templateChoice.default("model").describe(
    'What writes conversations: "model" (the model\'s chat template, where it has one), "chatml", ' +
      '"alpaca", "llama2", "plain", "none", { model: name }, { file: path } or { inline: jinja }.',
  ),
  standardAs: z.enum(["auto", "text", "chat"]).default("auto").describe(
    'How rows of plain strings are written: "chat" as a user turn and an assistant turn, "text" as ' +
      'they are, "auto" as chat where there is a template.',
  ),
  systemPrompt: z.string().optional().describe(
    "A system message for conversations that do not start with one. Default: none.",
  ),
  addGenerationPrompt: z.boolean().default(true).describe(
    "Whether the header of the answer belongs to the prompt.",
  ),
  variables: z.record(z.string(), z.json()).default({}).describe(
    "More variables for the template, e.g. { enable_thinking: false }.",
  ),
  date: z.iso.date().optional().describe(
    "The day that templates with a date print, YYYY-MM-DD. Default: the day of the run.",
  ),
  onBadRow: z.enum(["raise", "drop"]).default("raise").describe(
    "What happens to a row that the template refuses: an error, or left out and counted.",
  ),
});

type TemplateInputs = {
  readonly pairs: typeof preferencePairs;
  readonly model: InputPort<typeof modelFolder, true>;
};
type TemplateOutputs = { readonly pairs: typeof templatedPairs };
type TemplateConfig = z.output<typeof config>;

/** Writes pairs as text. */
export const template: Stage<
  TemplateInputs,
  TemplateOutputs,
  TemplateConfig,
  z.input<typeof config>,
  "template"
> = {
  apiVersion: API_VERSION,
  name: "template",
  version: "2",
  summary: "Writes preference pairs as the text the model will see, by its chat template.",
  inputs: { pairs: preferencePairs, model: optional(modelFolder) },
  outputs: { pairs: templatedPairs },
  config,
  async sources({ template }, resolvePath) {
    if (typeof template === "string" || !("file" in template)) return [];
    const { readTemplateFile } = await import("../src/text/choose_template.ts");
    const file = resolvePath(template.file);
    await readTemplateFile(file);
    return [file];
  },
  async run(ctx) {
    const pairs = await ctx.inputs.pairs.read();
    const options = await templateOptions(ctx);
    const { template } = options;
    if (template === undefined) ctx.log("no chat template: rows are used as they are");
    else ctx.log(`chat template "${template.name}"`);
    return { pairs: await writePairs(pairs, options, ctx) };
  },
};

export default template;

type Context = StageContext<TemplateInputs, TemplateConfig>;

async function templateOptions(ctx: Context): Promise<TemplateOptions> {
  const { config, inputs, run, resolvePath } = ctx;
  const { chooseTemplate } = await import("../src/text/choose_template.ts");
  const { loadTokenizer } = await import("../src/text/tokenizer.ts");
  const tokenizer = inputs.model && await loadTokenizer(inputs.model.dir);
  const options: TemplateOptions = {
    template: await chooseTemplate(config.template, tokenizer, (path) => resolvePath(path)),
    standardAs: config.standardAs,
    systemPrompt: config.systemPrompt,
    addGenerationPrompt: config.addGenerationPrompt,
    render: {
      specialTokens: tokenizer?.specialTokens,
      variables: config.variables,
      date: new Date(config.date ?? run.startedAt),
    },
  };
  if (options.template === undefined) await refuseTemplateOptions(config);
  return options;
}

/** Without a template, an option that only a template can heed is a mistake. */
async function refuseTemplateOptions(config: TemplateConfig): Promise<void> {
  const { optionNeedsTemplate } = await import("../src/text/errors.ts");
  const asked = {
    systemPrompt: config.systemPrompt !== undefined,
    standardAs: config.standardAs === "chat",
    addGenerationPrompt: !config.addGenerationPrompt,
    variables: Object.keys(config.variables).length > 0,
    date: config.date !== undefined,
  };
  for (const [option, given] of Object.entries(asked)) {
    if (given) throw optionNeedsTemplate(option);
  }
}

async function writePairs(
  pairs: Dataset<PreferencePair>,
  options: TemplateOptions,
  ctx: Context,
): Promise<DatasetDraft<TemplatedPair>> {
  const { templatePair } = await import("../src/text/template_pair.ts");
  const { isRowFault } = await import("../src/text/errors.ts");
  const counts = { conversational: 0, standardAsChat: 0, standardAsText: 0 };
  const notes = { systemPromptsAdded: 0, promptsShortened: 0 };
  const dropped: Record<string, number> = {};

  const write = (pair: PreferencePair): TemplatedPair | undefined => {
    try {
      const written = templatePair(pair, options);
      if (pair.form === "conversational") counts.conversational++;
      else if (written.pair.templated) counts.standardAsChat++;
      else counts.standardAsText++;
      if (written.notes.systemPromptAdded) notes.systemPromptsAdded++;
      if (written.notes.promptShortened) notes.promptsShortened++;
      return written.pair;
    } catch (error) {
      if (ctx.config.onBadRow === "raise" || !isRowFault(error)) throw error;
      dropped[error.code] = (dropped[error.code] ?? 0) + 1;
      return undefined;
    }
  };
  const stats = (): JsonObject => ({
    template: options.template?.name ?? "none",
    ...counts,
    ...notes,
    dropped,
  });
  async function* rows() {
    for await (const { split, row } of eachRow(pairs, ctx)) {
      const written = write(row);
      if (written !== undefined) yield { split, row: written };
    }
    if (counts.standardAsChat > 0 && ctx.config.standardAs === "auto") {
      ctx.log(
        `${counts.standardAsChat} rows of plain strings were written as user and assistant turns; ` +
          "standardAs: text leaves them as they are",
      );
    }
    ctx.record(stats());
  }
  return { rows: rows(), stats };
}
