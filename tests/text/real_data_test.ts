/** Real preference data through ingest, template and tokenize, without a hand-made step. */

import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../src/base/json.ts";
import type { Dataset, DatasetDraft } from "../../src/runner/dataset.ts";
import { tryStage } from "../../src/runner/testing.ts";
import type { TemplatedPair } from "../../src/text/pair.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { ingest } from "../../stages/ingest.ts";
import { template } from "../../stages/template.ts";
import { tokenize } from "../../stages/tokenize.ts";
import { SHARED_TOKENIZERS, testWith } from "./tokenizer_sources.ts";

const PREFERENCE = "../shared/data/preference";
const MODEL = SHARED_TOKENIZERS.minimind!;

function again<Row>(dataset: Dataset<Row>): DatasetDraft<Row> {
  async function* rows() {
    for (const split of ["train", "eval"] as const) {
      for await (const row of dataset.rows(split)) yield { split, row };
    }
  }
  return { rows: rows() };
}

const total = ({ counts }: Dataset<unknown>) => counts.train + counts.eval;

async function checkChain(source: string, options: JsonObject): Promise<void> {
  const model = { dir: MODEL };
  await using ingested = await tryStage(ingest, { config: { source, limit: 40 } });
  const pairs = await ingested.outputs.pairs.read();
  await using written = await tryStage(template, {
    config: options as never,
    inputs: { pairs: again(pairs), model },
  });
  const texts = await written.outputs.pairs.read();
  await using encoded = await tryStage(tokenize, { inputs: { pairs: again(texts), model } });
  const tokenized = await encoded.outputs.pairs.read();

  assert(total(tokenized) > 0);
  assertEquals(total(texts), total(pairs));
  const dropped = Object.values(tokenized.stats.dropped as Record<string, number>);
  assertEquals(total(tokenized) + dropped.reduce((sum, count) => sum + count, 0), total(texts));

  const tokenizer = await loadTokenizer(MODEL);
  const byId = new Map<string, TemplatedPair>();
  for await (const text of texts.rows("train")) byId.set(text.id, text);
  for await (const { id, promptIds, chosenIds, rejectedIds } of tokenized.rows("train")) {
    const { prompt, chosen, rejected } = byId.get(id)!;
    const sides = [[prompt + chosen, chosenIds], [prompt + rejected, rejectedIds]] as const;
    for (const [text, answerIds] of sides) {
      const ids = [...promptIds, ...answerIds];
      assert(ids.length <= 1024);
      if (promptIds.length >= 512) continue;
      const expected = tokenizer.encode(text);
      const ended = /<\|im_end\|>\s*$/.test(text);
      assertEquals(ids, ended ? expected : [...expected, tokenizer.eosTokenId!]);
    }
  }
}

const SOURCES: [string, JsonObject][] = [
  ["trl-zen/standard_preference.derived.jsonl", { template: "none" }],
  ["trl-zen/standard_implicit_prompt_preference.derived.jsonl", { template: "none" }],
  ["trl-zen/conversational_preference.derived.jsonl", {}],
  ["trl-zen/conversational_implicit_prompt_preference.derived.jsonl", { template: "chatml" }],
  ["llamafactory/dpo_en_demo.json", {}],
  ["llamafactory/dpo_zh_demo.json", { template: "plain" }],
  ["rasbt-llms-from-scratch/instruction-data-with-preference.json", { template: "alpaca" }],
  ["hh-rlhf-harmless-base-test/test.jsonl.gz", {}],
];

for (const [file, options] of SOURCES) {
  testWith(
    `${PREFERENCE}/${file}`,
    `tokenize: ${file} arrives whole, ids as the text's`,
    async () => {
      await checkChain(`${PREFERENCE}/${file}`, options);
    },
  );
}
