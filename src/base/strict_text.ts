/**
 * Reads text files of which every byte counts. The platform's own reading puts U+FFFD in the place
 * of bytes that are not UTF-8, and says nothing.
 */

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a file as UTF-8, without a byte order mark.
 *
 * @throws Error where its bytes are not UTF-8; what the system throws.
 */
export async function readStrictText(path: string): Promise<string> {
  const bytes = await Deno.readFile(path);
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Error("its bytes are not UTF-8");
  }
}
