import { assert, assertEquals } from "@std/assert";
import { Rng } from "../../src/base/rng.ts";
import { StopStrings } from "../../src/text/stop_strings.ts";

/** Pieces' certain texts, then what was held back. */
function shown(strings: string[], pieces: string[]): string[] {
  const stops = new StopStrings(strings);
  const texts = pieces.map((piece) => stops.push(piece).text);
  return [...texts, stops.end()];
}

Deno.test("StopStrings: holds back what may begin one, and lets it go once it does not", () => {
  assertEquals(shown(["END"], ["a E", "N", "O", "E"]), ["a ", "", "ENO", "", "E"]);
  assertEquals(shown(["END"], ["a E", "N", "D of"]), ["a ", "", "", ""]);
  assertEquals(shown([], ["a", "b"]), ["a", "b", ""]);
  assertEquals(shown([""], ["a"]), ["a", ""]);
});

Deno.test("StopStrings: the earliest of several wins, and nothing follows it", () => {
  assertEquals(shown(["cd", "bc"], ["abcd", "e"]), ["a", "", ""]);
  assertEquals(shown(["aab"], ["aaab"]), ["a", ""]);
});

Deno.test("StopStrings: whatever the pieces, the text is cut where the whole one would be", () => {
  const rng = Rng.fromSeed("stops");
  const word = (length: number) => Array.from({ length }, () => "ab."[rng.int(3)]).join("");
  for (let round = 0; round < 2000; round++) {
    const text = word(20);
    const strings = [word(1 + rng.int(4)), word(2 + rng.int(3))];
    const stops = new StopStrings(strings);
    const found = strings.map((string) => text.indexOf(string)).filter((at) => at >= 0);
    let out = "";
    let isFound = false;
    for (let at = 0; at < text.length;) {
      const size = 1 + rng.int(4);
      const certain = stops.push(text.slice(at, at + size));
      out += certain.text;
      isFound = certain.found;
      for (const string of strings) assert(!out.includes(string), `${text} ${strings}: ${out}`);
      at += size;
    }
    out += stops.end();
    assertEquals(isFound, found.length > 0);
    if (!isFound) assertEquals(out, text);
    else assert(text.startsWith(out) && strings.some((one) => text.startsWith(out + one)));
  }
});
