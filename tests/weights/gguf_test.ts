import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { openGguf } from "../../src/weights/gguf.ts";
import { dequantize } from "../../src/weights/gguf_dequantize.ts";
import { parseGgufHeader } from "../../src/weights/gguf_header.ts";
import type { GgufField } from "../../src/weights/gguf_types.ts";
import { ggufHeaderBytes, type GgufTensorSource, writeGguf } from "../../src/weights/write_gguf.ts";
import { EVERY_FIELD, EVERY_TENSOR, ggufBytes, type TestTensor } from "./gguf_files.ts";

async function withFile(bytes: Uint8Array, run: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const path = join(dir, "model.gguf");
    await Deno.writeFile(path, bytes);
    await run(path);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const MODEL = ggufBytes(EVERY_FIELD, EVERY_TENSOR);

Deno.test("openGguf: gives every metadata type, and tensors of every type with rows first", () =>
  withFile(MODEL, async (path) => {
    const gguf = await openGguf(path);
    assertEquals(gguf.version, 3);
    assertEquals(gguf.metadata, EVERY_FIELD);
    for (const [name, { dtype, shape }] of EVERY_TENSOR) {
      const entry = gguf.tensors.get(name)!;
      assertEquals([entry.dtype, entry.shape], [dtype, shape]);
      const expected = dequantize(dtype, MODEL.slice(entry.begin, entry.end));
      assertEquals(await gguf.read(name), expected);
    }
  }));

Deno.test("openGguf: reads version 2, and a header longer than the first bytes read", async () => {
  const strings = Array.from({ length: 200_000 }, (_, i) => `token ${i}`);
  const tokens: GgufField = { type: "array", elementType: "string", value: strings };
  const bytes = ggufBytes(new Map([["tokens", tokens]]), EVERY_TENSOR);
  assert(bytes.length > 1 << 20);
  bytes[4] = 2;
  await withFile(bytes, async (path) => {
    const gguf = await openGguf(path);
    assertEquals(gguf.version, 2);
    assertEquals(gguf.metadata.get("tokens")!.value, strings);
    assertEquals([...gguf.tensors.keys()], [...EVERY_TENSOR.keys()]);
  });
});

Deno.test("openGguf: a file that is not there, or a folder, is refused by its name", async () => {
  const error = await assertRejects(() => openGguf("/nowhere/x.gguf"), OddsmithError);
  assertEquals([error.code, error.location?.file], ["NO_WEIGHTS", "/nowhere/x.gguf"]);
});

Deno.test("writeGguf: what is written is read again; alignment is the metadata's", async () => {
  const values = Float32Array.from({ length: 96 }, (_, i) => i - 48);
  const source = (dtype: GgufTensorSource["dtype"]) => ({
    dtype,
    shape: [3, 32],
    values: () => values,
  });
  const tensors = new Map([
    ["b", source("F32")],
    ["a", source("F16")],
    ["c", source("BF16")],
    ["d", source("Q8_0")],
  ]);
  const alignment: GgufField = { type: "uint32", value: 128 };
  await withFile(new Uint8Array(), async (path) => {
    await writeGguf(path, new Map([...EVERY_FIELD, ["general.alignment", alignment]]), tensors);
    const gguf = await openGguf(path);
    assertEquals([...gguf.tensors.keys()], [...tensors.keys()]);
    for (const name of tensors.keys()) {
      assertEquals(gguf.tensors.get(name)!.begin % 128, 0);
      const error = (await gguf.read(name)).map((value, i) => Math.abs(value - values[i]!));
      assert(Math.max(...error) <= (name === "d" ? 0.5 : 0));
    }
  });
});

Deno.test("writeGguf: numbers beyond the type's range are refused, and no file is left", () =>
  withFile(new Uint8Array(), async (path) => {
    await Deno.remove(path);
    for (const [dtype, wrong] of [["F16", 65_520], ["BF16", Infinity], ["Q8_0", NaN]] as const) {
      const tensor = { dtype, shape: [1, 32], values: () => new Float32Array(32).fill(wrong) };
      const error = await assertRejects(
        () => writeGguf(path, new Map(), new Map([["w", tensor]])),
        OddsmithError,
      );
      assertEquals(error.code, "OUT_OF_RANGE");
      assertMatch(error.message, new RegExp(`"w" as ${dtype}: it holds ${wrong}`));
    }
    assertEquals([...Deno.readDirSync(join(path, ".."))], []);
  }));

const u32 = (value: number): GgufField => ({ type: "uint32", value });
const one = (tensor: TestTensor) => new Map([["w", tensor]]);
const F32 = one({ dtype: "F32", shape: [8] });

/** A sound file with a little-endian integer put where `find` first is, `skip` bytes on. */
function patched(find: string, skip: number, value: bigint, width: number, bytes = MODEL) {
  const text = new TextDecoder("latin1").decode(bytes);
  const copy = bytes.slice();
  let at = text.indexOf(find) + find.length + skip;
  for (let i = 0; i < width; i++, value >>= 8n) copy[at++] = Number(value & 0xffn);
  return copy;
}

const HOSTILE: [string, Uint8Array, string, RegExp][] = [
  ["an empty file", new Uint8Array(), "TRUNCATED", /should have 4 bytes, it has 0/],
  ["another format", new Uint8Array(64), "BAD_HEADER", /does not begin with "GGUF"/],
  ["version 1", MODEL.with(4, 1), "UNSUPPORTED_GGUF", /version is 1/],
  ["version 4", MODEL.with(4, 4), "UNSUPPORTED_GGUF", /version is 4/],
  ["big-endian numbers", MODEL.with(4, 0).with(7, 3), "UNSUPPORTED_GGUF", /big-endian/],
  ["2^64 - 1 tensors", patched("GGUF", 4, 2n ** 64n - 1n, 8), "BAD_HEADER", /claims 1844674407/],
  ["2^60 entries", patched("GGUF", 12, 2n ** 60n, 8), "BAD_HEADER", /metadata entries where/],
  ["a text of 2^63 bytes", patched("a.uint8", -15, 2n ** 63n, 8), "BAD_HEADER", /bytes of text/],
  ["a text that is no UTF-8", patched("llama", -1, 0xffn, 1), "BAD_HEADER", /not UTF-8/],
  ["an unknown value type", patched("a.uint8", 0, 13n, 4), "BAD_HEADER", /unknown type, 13/],
  ["a bool of 2", patched("a.bool", 4, 2n, 1), "BAD_HEADER", /a bool is 2/],
  ["an array of arrays", patched("b.strings", 4, 9n, 4), "BAD_HEADER", /array of arrays/],
  ["an array of 2^40", patched("b.bytes", 8, 2n ** 40n, 8), "BAD_HEADER", /elements of "b.bytes"/],
  ["5 dimensions", patched("tensor.F32", 0, 5n, 4), "BAD_HEADER", /5 dimensions/],
  ["a dimension of 2^60", patched("tensor.F32", 4, 2n ** 60n, 8), "BAD_HEADER", /too large/],
  ["an unread type", patched("tensor.F16", 28, 16n, 4), "UNSUPPORTED_DTYPE", /IQ2_XXS/],
  ["an unknown tensor type", patched("tensor.F16", 28, 99n, 4), "UNSUPPORTED_DTYPE", /type 99/],
  ["half a block", patched("tensor.Q4_0", 4, 16n, 8), "BAD_HEADER", /multiples of 32/],
  ["an overlap", patched("tensor.Q4_1", 24, 0n, 8), "BAD_HEADER", /begins at 0/],
  ["a gap", patched("w", 16, 32n, 8, ggufBytes(new Map(), F32)), "BAD_HEADER", /begins at 32/],
  ["data cut off", MODEL.slice(0, -40), "TRUNCATED", /it has/],
  ["bytes left over", Uint8Array.from([...MODEL, ...new Uint8Array(33)]), "BAD_HEADER", /to none/],
  [
    "a key twice",
    ggufBytes(new Map([["ka", u32(1)], ["kb", u32(2)]]), F32)
      .map((byte, i, all) => byte === 0x62 && all[i - 1] === 0x6b ? 0x61 : byte),
    "BAD_HEADER",
    /"ka" twice/,
  ],
  [
    "a tensor twice",
    ggufBytes(new Map(), new Map([["va", [...F32.values()][0]!], ["vb", [...F32.values()][0]!]]))
      .map((byte, i, all) => byte === 0x62 && all[i - 1] === 0x76 ? 0x61 : byte),
    "BAD_HEADER",
    /"va" is there twice/,
  ],
];

for (const [name, bytes, code, message] of HOSTILE) {
  Deno.test(`openGguf: ${name} is refused as ${code}`, () =>
    withFile(bytes, async (path) => {
      const error = await assertRejects(() => openGguf(path), OddsmithError);
      assertEquals([error.kind, error.code], ["WeightsError", code]);
      assertMatch(error.message, message);
      assertEquals(error.location?.file, path);
    }));
}

Deno.test("ggufHeaderBytes: an alignment that is no power of two is neither written nor read", () => {
  const sound = ggufBytes(new Map([["general.alignment", u32(32)]]), F32);
  const damaged = patched("general.alignment", 4, 33n, 4, sound);
  for (
    const run of [
      () => ggufHeaderBytes("x.gguf", new Map([["general.alignment", u32(33)]]), F32),
      () => parseGgufHeader("x.gguf", damaged, damaged.length),
    ]
  ) {
    const error = assertThrows(run, OddsmithError);
    assertMatch(error.message, /general.alignment is uint32 33/);
  }
});
