/**
 * Real pairs for tests of training: rows of rasbt's instruction data with preferences, by the
 * tokenizer of stories260K. Tests that need them are skipped where there is no ../shared/data.
 */

import { fromFileUrl } from "@std/path";
import { encodePair } from "../../src/text/encode_pair.ts";
import { planEncoding } from "../../src/text/encoding_plan.ts";
import type { TokenizedPair } from "../../src/text/pair.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";

const DATA = fromFileUrl(new URL("../../../shared/data", import.meta.url));
const ROWS = `${DATA}/preference/rasbt-llms-from-scratch/instruction-data-with-preference.json`;

/** The folder of the trained model whose tokenizer it is. */
export const STORIES_MODEL = `${DATA}/models/stories260K/hf`;

/** Whether the data is missing; says so once. */
export const rasbtMissing: boolean = await Deno.stat(ROWS).then(() => false, () => true);
if (rasbtMissing) console.log(`tests on rasbt's pairs are skipped: there is no ${ROWS}`);

interface Row {
  instruction: string;
  input: string;
  chosen: string;
  rejected: string;
}

/** Tokenizes the rows of these numbers as TRL's goldens were. */
export async function rasbtPairs(indices: readonly number[]): Promise<TokenizedPair[]> {
  const rows: Row[] = JSON.parse(await Deno.readTextFile(ROWS));
  const tokenizer = await loadTokenizer(STORIES_MODEL);
  const plan = planEncoding(tokenizer, { maxLength: 512, addBos: true, addEos: true });
  return indices.map((index) => {
    const { instruction, input, chosen, rejected } = rows[index]!;
    const prompt = `${instruction}\n${input === "" ? "" : `${input}\n`}`;
    const place = { id: `row-${index}`, source: `rasbt:${index}`, templated: false };
    const { pair } = encodePair(tokenizer, { ...place, prompt, chosen, rejected }, plan) as {
      pair: TokenizedPair;
    };
    return pair;
  });
}
