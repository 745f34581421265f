/** Parquet files that claim what they do not hold: refused by their numbers, before any is believed. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { crc32, gzipSync, zstdCompressSync } from "node:zlib";
import type { OddsmithError } from "../../src/base/error.ts";
import { readParquet } from "../../src/data/formats/parquet/read.ts";
import { limitAllocations } from "../fuzz/allocations.ts";
import {
  type Claims,
  concat,
  pageHeader,
  parquetFile,
  plainPage,
  uint32,
  varint,
} from "./parquet_files.ts";
import { tempDir } from "./support.ts";

async function readTexts(claims: Claims): Promise<unknown[]> {
  const bytes = parquetFile(claims);
  await using dir = await tempDir({ "a.parquet": bytes });
  const path = join(dir.path, "a.parquet");
  using _limit = limitAllocations(1 << 20);
  const rows = await Array.fromAsync(
    readParquet({ path, name: "a.parquet", format: "parquet", sizeBytes: bytes.length }),
  );
  return rows.flat().map(({ value }) => (value as { a: unknown }).a);
}

async function refusal(claims: Claims): Promise<string> {
  const error = await readTexts(claims).then(() => undefined, (error: OddsmithError) => error);
  assertEquals([error?.code, error?.location?.file], ["BAD_PARQUET", "a.parquet"]);
  return error!.message;
}

const page = plainPage(["x", "xy", "xyz"]);
const GIGABYTES = 2 ** 31 - 1;

Deno.test("readParquet: the files of these tests are sound but for their claims", async () => {
  assertEquals(await readTexts({}), ["x", "xy", "xyz"]);
  const zeros = new Uint8Array(zstdCompressSync(page));
  const header = pageHeader(zeros.length, page.length, 3);
  assertEquals(await readTexts({ codec: 6, page: zeros, pageHeader: header }), ["x", "xy", "xyz"]);
  const sum = crc32(page) | 0;
  const summed = [[1, 0], [2, 18], [3, 18], [4, sum], pageHeader(18, 18, 3)[3]!] as const;
  assertEquals(await readTexts({ pageHeader: summed }), ["x", "xy", "xyz"]);
});

const REFUSED: Record<string, [claims: Claims, message: string]> = {
  "two billion rows": [{ rows: GIGABYTES }, "claims 2147483647 rows"],
  "two billion values": [{ values: GIGABYTES }, "claims 2147483647 values"],
  "more rows than its pages hold": [{ rows: 4, values: 3 }, "has 3 rows of 4"],
  "fewer rows than its pages hold": [{ rows: 2, values: 3 }, "has 3 rows of 2"],
  "a page that claims more values than it has room for": [{ rows: 9 }, "9 values in 18 bytes"],
  "a page of two gigabytes": [
    { pageHeader: pageHeader(page.length, GIGABYTES, 3) },
    "claims to hold 2147483647",
  ],
  "a page beyond the end of its column": [
    { pageHeader: pageHeader(GIGABYTES, page.length, 3) },
    "a page of 2147483647 bytes where 18 are left",
  ],
  "a snappy page that claims more than snappy can give": [
    { codec: 1, pageHeader: pageHeader(page.length, 1 << 20, 3) },
    "a page of 18 bytes claims to hold 1048576",
  ],
  "a page with another checksum": [
    { pageHeader: [[1, 0], [2, 18], [3, 18], [4, 7], pageHeader(18, 18, 3)[3]!] },
    "checksum",
  ],
  "a run of a billion levels": [
    { optional: true, ...claiming(concat([uint32(6), varint(2 ** 31), Uint8Array.of(1), page])) },
    "a run of 1073741824 values where 3 are left",
  ],
  "packed levels without an end": [
    {
      optional: true,
      ...claiming(concat([uint32(6), varint(2 ** 31 - 1), Uint8Array.of(1), page])),
    },
    "a run of 8589934584 values where 3 are left",
  ],
  "indices without a dictionary": [claiming(Uint8Array.of(1, 6, 0), 8), "without a dictionary"],
  "differences in two billion parts": [
    claiming(concat([varint(128), varint(GIGABYTES), varint(3), varint(0), page]), 5),
    "its blocks have no size",
  ],
  "texts that begin with more than the text before has": [
    claiming(concat([deltas([0, 9, 9]), deltas([1, 1, 1]), Uint8Array.of(120, 121, 122)]), 7),
    "lengths that do not fit",
  ],
  "a list of two billion in its metadata": [
    { metadata: concat([Uint8Array.of(0x29, 0xfc), varint(GIGABYTES), new Uint8Array(20)]) },
    "claims a list of 2147483647",
  ],
  "a number in its metadata that does not end": [
    { metadata: concat([Uint8Array.of(0x16), new Uint8Array(4000).fill(0x80)]) },
    "a number in it does not end",
  ],
};

for (const [what, [claims, message]] of Object.entries(REFUSED)) {
  Deno.test(`readParquet: refuses ${what}`, async () => {
    assertStringIncludes(await refusal(claims), message);
  });
}

for (const [name, codec, bomb] of [["gzip", 2, gzipSync], ["zstd", 6, zstdCompressSync]] as const) {
  Deno.test(`readParquet: a ${name} page that holds more than it claims is refused`, async () => {
    const packed = new Uint8Array(bomb(new Uint8Array(1 << 24)));
    await refusal({ codec, page: packed, pageHeader: pageHeader(packed.length, 18, 3) });
  });
}

/** A page of three values as it stands in the file, in an encoding. */
function claiming(bytes: Uint8Array, encoding = 0): Claims {
  return { page: bytes, pageHeader: pageHeader(bytes.length, bytes.length, 3, encoding) };
}

/** Three numbers as differences: one block of 128 in four parts, eight bits a difference. */
function deltas([first, ...rest]: number[]): Uint8Array {
  const differences = new Uint8Array(32);
  rest.forEach((value, at) => differences[at] = value - (rest[at - 1] ?? first!));
  return concat([
    ...[128, 4, 3, 2 * first!, 0].map(varint),
    Uint8Array.of(8, 0, 0, 0),
    differences,
  ]);
}
