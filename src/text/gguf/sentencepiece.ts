/**
 * SentencePiece's scores as byte-pair merges and back. SentencePiece joins the two neighbours whose
 * joined text has the best score, the leftmost first; merges say the same where each way to split a
 * token is one of them, in the order of the scores.
 */

/** A token's part in a vocabulary. */
export interface Piece {
  readonly text: string;
  readonly score: number;
}

/** Two tokens that are joined. */
export type Merge = readonly [string, string];

/**
 * Gives the merges of scored pieces, best first; of one piece's, the longest left part first.
 *
 * @param pieces Those that may be joined from others, or be such a part, by id.
 */
export function mergesOf(pieces: readonly Piece[]): Merge[] {
  const texts = new Set(pieces.map(({ text }) => text));
  return pieces
    .map((piece, id) => ({ ...piece, id }))
    .sort((a, b) => b.score - a.score || a.id - b.id)
    .flatMap(({ text }) => splits(text, texts));
}

/** Every way to make a token of two others. */
function splits(text: string, texts: ReadonlySet<string>): Merge[] {
  const found: Merge[] = [];
  for (let at = text.length - 1; at > 0; at--) {
    // Not between the halves of a surrogate pair.
    if ((text.charCodeAt(at) & 0xfc00) === 0xdc00) continue;
    const left = text.slice(0, at);
    if (!texts.has(left)) continue;
    const right = text.slice(at);
    if (texts.has(right)) found.push([left, right]);
  }
  return found;
}

/** Scores that order joined texts as `merges` do: minus the rank of the first that makes each. */
export function scoresOf(merges: readonly Merge[]): Map<string, number> {
  const scores = new Map<string, number>();
  merges.forEach(([left, right], rank) => {
    const text = left + right;
    if (!scores.has(text)) scores.set(text, -rank);
  });
  return scores;
}
