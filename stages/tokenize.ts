/**
 * The stage "tokenize": turns templated pairs into token ids that fit the model, and counts their
 * lengths. Which ids: src/text/encode_pair.ts.
 */

import { z } from "zod";
import { API_VERSION, type Stage, type StageContext } from "../src/runner/contract.ts";
import type { Dataset, DatasetDraft } from "../src/runner/dataset.ts";
import type { TemplatedPair, TokenizedPair } from "../src/text/pair.ts";
import { modelFolder, templatedPairs, tokenizedPairs } from "./artifacts.ts";
import { eachRow } from "./each_row.ts";

const config = z.strictObject({
  maxLength: z.int().min(4, "maxLength must leave room for a prompt and an answer: 4 or more")
    .optional().describe(
      "The most tokens of prompt and one answer together, BOS and EOS included. Default: the " +
        "model's max_position_embeddings, but no more than 1024.",
    ),
  maxPromptLength: z.int().min(1).optional().describe(
    "The most tokens of a prompt. Default: no limit of its own; a prompt gives way to its answers " +
      "down to half of maxLength.",
  ),
  truncation: z.enum(["keep_end", "keep_start"]).default("keep_end").describe(
    "Which end of a prompt that is too long is kept. A BOS at its start always is.",
  ),
  overlong: z.enum(["drop", "truncate", "raise"]).default("drop").describe(
    "What happens to a pair whose answers do not fit though its prompt was cut: left out and " +
      "counted, its answers cut (they then lack EOS), or an error.",
  ),
  addBos: z.union([z.literal("auto"), z.boolean()]).default("auto").describe(
    'Whether prompts begin with BOS, once: "auto" as the model\'s own tokenizer does.',
  ),
  addEos: z.boolean().default(true).describe("Whether answers end with EOS, once."),
  eosToken: z.string().min(1).optional().describe(
    "The token that ends answers, as the vocabulary spells it. Default: the tokenizer's eos_token.",
  ),
});

type TokenizeInputs = {
  readonly pairs: typeof templatedPairs;
  readonly model: typeof modelFolder;
};
type TokenizeOutputs = { readonly pairs: typeof tokenizedPairs };
type TokenizeConfig = z.output<typeof config>;

/** Turns pairs into token ids. */
export const tokenize: Stage<
  TokenizeInputs,
  TokenizeOutputs,
  TokenizeConfig,
  z.input<typeof config>,
  "tokenize"
> = {
  apiVersion: API_VERSION,
  name: "tokenize",
  version: "2",
  summary: "Turns templated pairs into token ids that fit the model, with length statistics.",
  inputs: { pairs: templatedPairs, model: modelFolder },
  outputs: { pairs: tokenizedPairs },
  config,
  forecast: async ({ config, inputs }) => {
    const { DEFAULT_MAX_LENGTH } = await import("../src/text/encoding_plan.ts");
    const { forecastConfig } = await import("./forecast_inputs.ts");
    const positions = (await forecastConfig(inputs.model))?.maxPositionEmbeddings ?? Infinity;
    const maxLength = config.maxLength ?? Math.min(positions, DEFAULT_MAX_LENGTH);
    return { outputs: { pairs: { maxLength } } };
  },
  async run(ctx) {
    return { pairs: await encodePairs(await ctx.inputs.pairs.read(), ctx) };
  },
};

export default tokenize;

async function encodePairs(
  pairs: Dataset<TemplatedPair>,
  ctx: StageContext<TokenizeInputs, TokenizeConfig>,
): Promise<DatasetDraft<TokenizedPair>> {
  const { loadTokenizer } = await import("../src/text/tokenizer.ts");
  const { planEncoding } = await import("../src/text/encoding_plan.ts");
  const { encodePair } = await import("../src/text/encode_pair.ts");
  const { LengthStatistics } = await import("../src/text/length_statistics.ts");
  const { allPairsDropped } = await import("../src/text/errors.ts");
  const tokenizer = await loadTokenizer(ctx.inputs.model.dir);
  const plan = planEncoding(tokenizer, ctx.config);
  const statistics = new LengthStatistics();
  const kept = { train: 0, eval: 0 };
  const stats = () => ({ maxLength: plan.maxLength, ...statistics.toJson() });

  async function* rows() {
    const startedAt = performance.now();
    for await (const { split, row } of eachRow(pairs, ctx)) {
      const encoded = encodePair(tokenizer, row, plan);
      statistics.add(encoded);
      if (encoded.dropped !== undefined) continue;
      kept[split]++;
      yield { split, row: encoded.pair };
    }
    if (kept.train === 0) throw allPairsDropped(statistics.dropped);
    const seconds = (performance.now() - startedAt) / 1000;
    const tokensPerSecond = Math.round(statistics.tokens / Math.max(seconds, 1e-3));
    ctx.record({ ...stats(), tokensPerSecond });
    ctx.log(statistics.summary());
  }
  return { rows: rows(), stats };
}
