/** Shows a tokenized pair to people: each token, where it stands, and which loss scores it. */

import type { TokenizedPair } from "./pair.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** What the negative log-likelihood covers: the chosen answer, or prompt and chosen answer. */
export type NllScope = "response" | "all";

interface Row {
  position: string;
  id: string;
  token: string;
  segment: string;
  nll: string;
  oddsRatio: string;
}

/**
 * Writes a pair as a table with the columns position, id, token, segment, NLL and odds ratio.
 *
 * A token is marked where the model's prediction of it enters that part of the loss: the NLL covers
 * the chosen answer, with `nllScope: "all"` the prompt too (but for its first token, which nothing
 * predicts); the odds ratio compares the mean over chosen tokens with the mean over rejected ones.
 * Positions of both answers go on from the prompt.
 */
export function renderTokenizedPair(
  pair: TokenizedPair,
  tokenizer: Pick<Tokenizer, "tokenText">,
  options: { nllScope: NllScope },
): string {
  const { promptIds, chosenIds, rejectedIds } = pair;
  const nllOfPrompt = options.nllScope === "all";
  const row = (segment: string, start: number, nll: (at: number) => boolean, odds: boolean) =>
  (
    id: number,
    at: number,
  ): Row => ({
    position: String(start + at),
    id: String(id),
    token: visible(tokenizer.tokenText(id)),
    segment,
    nll: nll(at) ? "scored" : "",
    oddsRatio: odds ? "scored" : "",
  });
  const answerStart = promptIds.length;
  const rows: Row[] = [
    HEADER,
    ...promptIds.map(row("prompt", 0, (at) => nllOfPrompt && at > 0, false)),
    ...chosenIds.map(row("chosen", answerStart, () => true, true)),
    ...rejectedIds.map(row("rejected", answerStart, () => false, true)),
  ];
  return `pair ${pair.id} (${pair.source})\n${formatTable(rows)}\n`;
}

const HEADER: Row = {
  position: "position",
  id: "id",
  token: "token",
  segment: "segment",
  nll: "NLL",
  oddsRatio: "odds ratio",
};

function formatTable(rows: readonly Row[]): string {
  const width = (column: keyof Row) => Math.max(...rows.map((row) => [...row[column]].length));
  const padded = (row: Row, column: keyof Row, wide: number) => {
    const fill = " ".repeat(wide - [...row[column]].length);
    return column === "position" || column === "id" ? fill + row[column] : row[column] + fill;
  };
  const columns = (Object.keys(HEADER) as (keyof Row)[])
    .map((column) => [column, width(column)] as const);
  return rows
    .map((row) => columns.map(([column, wide]) => padded(row, column, wide)).join("  ").trimEnd())
    .join("\n");
}

/** Quotes a token, so that spaces and line ends in it can be seen. */
function visible(token: string): string {
  return JSON.stringify(token);
}
