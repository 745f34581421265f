/**
 * Bytes cut at line feeds. Cutting bytes, not text, is what lets readers name the very row whose
 * UTF-8 is bad.
 */

/**
 * The longest row that is read: far more than any model takes, and little enough to be held. A row
 * is held whole, and a damaged or hostile file can be one row of any length.
 */
export const MAX_ROW_BYTES = 1 << 26;

/** Thrown where a line grows longer than that. */
export class LineTooLong extends Error {}

/** Joins chunks of bytes; one chunk is returned as it is. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

const LINE_FEED = 0x0a;

/**
 * Gives, for each chunk, the lines that end in it, without their line feeds; then the last.
 *
 * @throws LineTooLong
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array[]> {
  let open: Uint8Array[] = [];
  let openBytes = 0;
  for await (const chunk of chunks) {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end; (end = chunk.indexOf(LINE_FEED, start)) >= 0; start = end + 1) {
      const line = chunk.subarray(start, end);
      lines.push(open.length === 0 ? line : joinBytes([...open, line]));
      open = [];
      openBytes = 0;
    }
    if (start < chunk.length) open.push(chunk.subarray(start));
    openBytes += chunk.length - start;
    if (lines.length > 0) yield lines;
    if (openBytes > MAX_ROW_BYTES) throw new LineTooLong();
  }
  if (open.length > 0) yield [joinBytes(open)];
}

/** A strict UTF-8 decoder: throws a TypeError on bad bytes, keeps U+FEFF inside the text. */
export function strictDecoder(): TextDecoder {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
}
