import { assert, assertEquals } from "@std/assert";
import { hash64, hashFraction, hashId } from "../../src/data/content_hash.ts";
import { HashSet } from "../../src/data/hash_set.ts";
import { sha256 } from "../../src/base/hash.ts";

Deno.test("HashSet: agrees with a Set over many members", () => {
  const set = new HashSet(8);
  const known = new Set<string>();
  for (let n = 0; n < 20_000; n++) {
    const hash = hash64(String(n % 15_000));
    assertEquals(set.add(hash), !known.has(hashId(hash)));
    known.add(hashId(hash));
  }
  assertEquals(set.size, 15_000);
  assert(!set.has(hash64("x")));
  assert(set.sizeBytes <= 24 * set.size, `${set.sizeBytes}`);
});

Deno.test("HashSet: tells hashes that share a word, zeros included", () => {
  const set = new HashSet(8);
  const hashes = [0, 1, 7, 0xffffffff].flatMap((high) =>
    [2, 3, 0xffffffff, 0].map((low) => ({ high, low }))
  );
  for (const hash of hashes) assert(set.add(hash));
  for (const hash of hashes) assert(set.has(hash) && !set.add(hash));
});

Deno.test("hash64: is the start of SHA-256, and its fraction is even", () => {
  assertEquals(hashId(hash64("abc")), sha256("abc").slice(0, 16));
  assertEquals(hashFraction({ high: 0x80000000, low: 0 }), 0.5);
  assert(hashFraction({ high: 0xffffffff, low: 0xffffffff }) < 1);
});
