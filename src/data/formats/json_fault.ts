/** What is wrong with a JSON text, in words that do not quote it. */

/** Makes a reason from the engine's SyntaxError, without the snippet of text it may quote. */
export function jsonFault(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const position = /at position (\d+)/.exec(message)?.[1];
  if (/unexpected end|unterminated/i.test(message)) return "it ends too early";
  const [what] = message.split(/,? *(?:\.\.\.)?"| in JSON| is not valid/);
  const place = position === undefined ? "" : ` at character ${Number(position) + 1} of the row`;
  return (what?.trim() || "not a JSON value") + place;
}
