/** Normalization forms against the Rust library, character by character. */

import { assertEquals } from "@std/assert";
import { sha256 } from "../../src/base/hash.ts";
import { normalizeUnicode, type UnicodeForm } from "../../src/text/unicode_forms.ts";
import golden from "../golden/unicode_forms.json" with { type: "json" };

const points = golden.planes.flatMap(([start, end]) =>
  Array.from({ length: end! - start! }, (_, at) => start! + at)
);

function tried(character: string): string {
  const around = [...golden.marks].map((mark) => `a${mark}${character} a${character}${mark}`);
  return [character, character + character, ...around].join(" ");
}

for (const [form, expected] of Object.entries(golden.forms)) {
  Deno.test(`normalizeUnicode: ${form} of every character equals the Rust library`, () => {
    const digests: string[] = [];
    for (let at = 0; at < points.length; at += golden.chunk) {
      const chunk = points.slice(at, at + golden.chunk);
      const texts = chunk.map((point) =>
        normalizeUnicode(tried(String.fromCodePoint(point)), form as UnicodeForm)
      );
      digests.push(sha256(texts.join("\n")).slice(0, 12));
    }
    assertEquals(digests.join(" "), expected);
  });
}

Deno.test("normalizeUnicode: what is older than Unicode 9 is normalized between what is younger", () => {
  assertEquals(normalizeUnicode("e\u0301\u1df8\u1a7ce\u0301", "NFC"), "\u00e9\u1df8\u1a7c\u00e9");
  assertEquals(normalizeUnicode("\u{16d63}\u{16d67}", "NFC"), "\u{16d63}\u{16d67}");
});
