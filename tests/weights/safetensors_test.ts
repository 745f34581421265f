import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { Rng } from "../../src/base/rng.ts";
import { checkWeights } from "../../src/weights/check.ts";
import { openWeights } from "../../src/weights/safetensors.ts";
import { type TensorSource, writeSafetensors } from "../../src/weights/write_safetensors.ts";

const tensor = (shape: number[], values: number[]): TensorSource => ({
  shape,
  values: () => Float32Array.from(values),
});

/** A safetensors file of a header as given and so many bytes of data. */
function fileOf(header: unknown, data: Uint8Array | number): Uint8Array {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const json = new TextEncoder().encode(text);
  const body = typeof data === "number" ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + json.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(body, 8 + json.length);
  return bytes;
}

async function withFolder(
  files: Record<string, Uint8Array | string>,
  fn: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(join(dir, name), bytes);
    }
    await fn(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function failure(dir: string): Promise<OddsmithError> {
  const error = await assertRejects(() => openWeights(dir), OddsmithError);
  assertEquals(error.kind, "WeightsError");
  return error;
}

Deno.test("writeSafetensors: what is written is read again, names sorted, data aligned", async () => {
  await withFolder({}, async (dir) => {
    const path = join(dir, "model.safetensors");
    const tensors = new Map([
      ["b", tensor([2, 2], [1, -2, 3.5, 1e-30])],
      ["a", tensor([3], [7, 8, 9])],
      ["empty", tensor([0, 4], [])],
      ["scalar", tensor([], [42])],
    ]);
    await writeSafetensors(path, tensors);
    const bytes = await Deno.readFile(path);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    assertEquals(length % 8, 0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    assertEquals(Object.keys(header), ["__metadata__", "a", "b", "empty", "scalar"]);
    assertEquals(header.__metadata__, { format: "pt" });
    const weights = await openWeights(dir);
    for (const [name, { shape, values }] of tensors) {
      assertEquals(weights.tensors.get(name)!.shape, shape);
      assertEquals(await weights.read(name), await values());
    }
  });
});

Deno.test("writeSafetensors: a value that throws leaves no file behind", async () => {
  await withFolder({}, async (dir) => {
    const broken = new Map([["a", {
      shape: [1],
      values: () => Promise.reject(new Error("gone")),
    }]]);
    await assertRejects(
      () => writeSafetensors(join(dir, "model.safetensors"), broken),
      Error,
      "gone",
    );
    const wrong = new Map([["a", tensor([2], [1])]]);
    await assertRejects(() => writeSafetensors(join(dir, "model.safetensors"), wrong), RangeError);
    assertEquals([...Deno.readDirSync(dir)], []);
  });
});

Deno.test("openWeights: F16 and BF16 are widened exactly, special values included", async () => {
  const halves = [0x0000, 0x8000, 0x3c00, 0xc000, 0x0001, 0x03ff, 0x7bff, 0x7c00, 0xfc00, 0x7e00];
  const brains = [0x0000, 0x3f80, 0xc000, 0x7f80, 0x0001, 0x3eab];
  const data = new Uint8Array(Uint16Array.from([...halves, ...brains]).buffer);
  const header = {
    half: { dtype: "F16", shape: [10], data_offsets: [0, 20] },
    brain: { dtype: "BF16", shape: [6], data_offsets: [20, 32] },
  };
  await withFolder({ "model.safetensors": fileOf(header, data) }, async (dir) => {
    const weights = await openWeights(dir);
    const expected = [0, -0, 1, -2, 2 ** -24, 1023 * 2 ** -24, 65504, Infinity, -Infinity, NaN];
    assertEquals([...await weights.read("half")], expected);
    const brain = await weights.read("brain");
    assertEquals([...brain.subarray(0, 4)], [0, 1, -2, Infinity]);
    assertEquals(brain[4], Math.fround(2 ** -133));
    assertEquals(brain[5], 0.333984375);
  });
});

Deno.test("openWeights: other number types are refused when they are read", async () => {
  const header = { a: { dtype: "I64", shape: [1], data_offsets: [0, 8] } };
  await withFolder({ "model.safetensors": fileOf(header, 8) }, async (dir) => {
    const weights = await openWeights(dir);
    const error = await assertRejects(() => weights.read("a"), OddsmithError);
    assertEquals(error.code, "UNSUPPORTED_DTYPE");
    assertMatch(error.message, /tensor "a": its numbers are I64/);
  });
});

Deno.test("openWeights: shards are found by their index", async () => {
  const shard = (name: string) =>
    fileOf({ [name]: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }, 4);
  const index = { weight_map: { a: "one.safetensors", b: "two.safetensors" } };
  const files = {
    "model.safetensors.index.json": JSON.stringify(index),
    "one.safetensors": shard("a"),
    "two.safetensors": shard("b"),
  };
  await withFolder(files, async (dir) => {
    assertEquals([...(await openWeights(dir)).tensors.keys()], ["a", "b"]);
    await Deno.remove(join(dir, "two.safetensors"));
    const missing = await failure(dir);
    assertEquals(missing.code, "MISSING_SHARD");
    assertMatch(missing.message, /"two.safetensors"/);
  });
});

for (
  const [name, index] of [
    ["no JSON", "{"],
    ["no weight_map", "{}"],
    ["a path out of the folder", '{"weight_map": {"a": "../a.safetensors"}}'],
    ["a number for a file", '{"weight_map": {"a": 1}}'],
    ["what cannot be sorted", '{"weight_map": {"a": {"__proto__": null}, "b": {}}}'],
    ["null alone", "null"],
  ] as const
) {
  Deno.test(`openWeights: an index with ${name} is refused`, () =>
    withFolder({ "model.safetensors.index.json": index }, async (dir) => {
      assertEquals((await failure(dir)).code, "BAD_INDEX");
    }));
}

Deno.test("openWeights: a folder without weights says which files it looked for", () =>
  withFolder({ "pytorch_model.bin": "x" }, async (dir) => {
    assertEquals((await failure(dir)).code, "NO_WEIGHTS");
  }));

const f32 = (shape: unknown, begin: unknown, end: unknown) => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

const HOSTILE: [string, Uint8Array, string, RegExp][] = [
  ["a file of 3 bytes", new Uint8Array(3), "TRUNCATED", /should have 8 bytes, it has 3/],
  ["a header longer than the file", fileOf("{}", 0).subarray(0, 9), "TRUNCATED", /should have 10/],
  ["a header length of 2^63", hugeHeader(), "BAD_HEADER", /claims 9223372036854775808 bytes/],
  ["data cut off", fileOf({ a: f32([4], 0, 16) }, 10), "TRUNCATED", /, it has/],
  ["a header that is no JSON", fileOf("nonsense", 0), "BAD_HEADER", /not JSON/],
  ["a header that is no UTF-8", fileOf("{}", 0).with(8, 0xff), "BAD_HEADER", /not JSON/],
  ["a list for a header", fileOf("[1]", 0), "BAD_HEADER", /no JSON object/],
  ["a tensor named twice", twice(), "BAD_HEADER", /names a tensor twice/],
  ["a tensor that is null", fileOf({ a: null }, 0), "BAD_HEADER", /unknown dtype/],
  [
    "an unknown dtype",
    fileOf({ a: { ...f32([1], 0, 4), dtype: "F31" } }, 4),
    "BAD_HEADER",
    /"F31"/,
  ],
  ["a negative size", fileOf({ a: f32([-1], 0, 4) }, 4), "BAD_HEADER", /no proper shape/],
  ["a shape of text", fileOf({ a: f32("4", 0, 4) }, 4), "BAD_HEADER", /no proper shape/],
  ["offsets backwards", fileOf({ a: f32([1], 4, 0) }, 4), "BAD_HEADER", /data_offsets/],
  ["offsets beyond 2^53", fileOf({ a: f32([1], 0, 2 ** 60) }, 4), "BAD_HEADER", /data_offsets/],
  ["a shape against its offsets", fileOf({ a: f32([2], 0, 4) }, 4), "BAD_HEADER", /takes 8 bytes/],
  ["a huge shape", fileOf({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4), "BAD_HEADER", /takes/],
  ["overlapping tensors", overlapping(), "BAD_HEADER", /overlaps another/],
  ["a gap", fileOf({ a: f32([1], 4, 8) }, 8), "BAD_HEADER", /gap before tensor "a"/],
  ["bytes left over", fileOf({ a: f32([1], 0, 4) }, 8), "BAD_HEADER", /belong to none/],
];

function hugeHeader(): Uint8Array {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setBigUint64(0, 2n ** 63n, true);
  return bytes;
}

function twice(): Uint8Array {
  const entry = JSON.stringify(f32([1], 0, 4));
  return fileOf(`{"a": ${entry}, "a": ${entry}}`, 4);
}

function overlapping(): Uint8Array {
  return fileOf({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12);
}

for (const [name, bytes, code, message] of HOSTILE) {
  Deno.test(`openWeights: ${name} is refused as ${code}`, () =>
    withFolder({ "model.safetensors": bytes }, async (dir) => {
      const error = await failure(dir);
      assertEquals(error.code, code);
      assertMatch(error.message, message);
      assert(error.location?.file.endsWith("model.safetensors"));
    }));
}

Deno.test("openWeights: random damage to a file gives a WeightsError or sound tensors", async () => {
  const rng = Rng.fromSeed("damage");
  const header = {
    a: f32([2, 3], 0, 24),
    b: { dtype: "BF16", shape: [4], data_offsets: [24, 32] },
  };
  const sound = fileOf(header, 32);
  for (let round = 0; round < 300; round++) {
    const bytes = sound.slice(0, rng.int(4) === 0 ? rng.int(sound.length) : sound.length);
    for (let i = rng.int(4); i >= 0 && bytes.length > 0; i--) {
      bytes[rng.int(bytes.length)] = rng.int(256);
    }
    await withFolder({ "model.safetensors": bytes }, async (dir) => {
      try {
        const weights = await openWeights(dir);
        for (const [name, { shape }] of weights.tensors) {
          const { length } = await weights.read(name);
          assertEquals(length, shape.reduce((product, size) => product * size, 1));
        }
      } catch (error) {
        assert(error instanceof OddsmithError && error.kind === "WeightsError", String(error));
      }
    });
  }
});

Deno.test("checkWeights: missing tensors are listed with the nearest name nobody needs", () =>
  withFolder(
    {
      "model.safetensors": fileOf({
        "model.nora.weight": f32([2], 0, 8),
        "model.norm.wieght": f32([2], 8, 16),
      }, 16),
    },
    async (dir) => {
      const weights = await openWeights(dir);
      const expected = new Map([
        ["model.norm.weight", [2]],
        ["model.nora.weight", [2]],
        ["lm_head.weight", [4, 2]],
      ]);
      const error = await assertRejects(
        () => Promise.resolve().then(() => checkWeights(weights, expected)),
        OddsmithError,
      );
      assertEquals(error.code, "MISSING_TENSOR");
      assertMatch(error.message, /lacks "model.norm.weight", "lm_head.weight"/);
      assertMatch(error.hint!, /"model.norm.wieght"/);
    },
  ));

Deno.test("checkWeights: a wrong shape names both; tensors nobody needs are returned", () =>
  withFolder({
    "model.safetensors": fileOf({ a: f32([2, 1], 0, 8), extra: f32([1], 8, 12) }, 12),
  }, async (dir) => {
    const weights = await openWeights(dir);
    assertEquals(checkWeights(weights, new Map([["a", [2, 1]]])), ["extra"]);
    const error = await assertRejects(
      () => Promise.resolve().then(() => checkWeights(weights, new Map([["a", [1, 2]]]))),
      OddsmithError,
    );
    assertEquals(error.code, "WRONG_SHAPE");
    assertMatch(error.message, /asks for \[1, 2\], the checkpoint has \[2, 1\]/);
  }));
