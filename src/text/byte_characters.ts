/** The printable characters that byte-level models write bytes as: "Ġ" for a space. */

/** The character of each of the 256 bytes. */
export const BYTE_CHARACTERS: readonly string[] = makeCharacters();

/** Bytes that print stand for themselves; the others follow each other from U+0100 on. */
function makeCharacters(): string[] {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 256;
  return Array.from(
    { length: 256 },
    (_, byte) => String.fromCharCode(printable(byte) ? byte : next++),
  );
}
