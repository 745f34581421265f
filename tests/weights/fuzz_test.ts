/** Readers of weight files against damaged files: an error of ours, or exactly what is there. */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { Rng } from "../../src/base/rng.ts";
import { openGguf } from "../../src/weights/gguf.ts";
import { dequantize } from "../../src/weights/gguf_dequantize.ts";
import { type GgufHeader, parseGgufHeader } from "../../src/weights/gguf_header.ts";
import type { GgufMetadata } from "../../src/weights/gguf_types.ts";
import { openWeights, type Weights } from "../../src/weights/safetensors.ts";
import { headerEnd, parseEntries } from "../../src/weights/safetensors_header.ts";
import { writeSafetensors } from "../../src/weights/write_safetensors.ts";
import { ggufHeaderBytes } from "../../src/weights/write_gguf.ts";
import { EVERY_FIELD, EVERY_TENSOR, ggufBytes } from "./gguf_files.ts";
import { FUZZ_CASES, fuzzSeed } from "../fuzz/fuzz.ts";
import { mutate } from "../fuzz/mutations.ts";

const product = (shape: readonly number[]): number => shape.reduce((n, size) => n * size, 1);

/** Runs a reader; gives what it read, or undefined where it refused with an error of ours. */
async function readOrRefuse<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    assert(error instanceof OddsmithError && error.kind === "WeightsError", String(error));
    assert(error.location !== undefined && error.hint !== undefined);
    return undefined;
  }
}

const hasNaN = (metadata: GgufMetadata): boolean =>
  [...metadata.values()].some(({ value }) =>
    ArrayBuffer.isView(value)
      ? Array.from(value as Float32Array).some(Number.isNaN)
      : Number.isNaN(value)
  );

/** What was read, written again, must be the file's own bytes: nothing was misread. */
function assertFaithful(header: GgufHeader, bytes: Uint8Array): void {
  const { metadata, headerBytes, tensors, version } = header;
  const named = new Map(tensors.map((entry) => [entry.name, entry]));
  const again = ggufHeaderBytes("again.gguf", metadata, named);
  again[4] = version;
  // A NaN's payload is not kept.
  if (!hasNaN(metadata)) {
    assertEquals(again.subarray(0, headerBytes), bytes.subarray(0, headerBytes));
  }
  for (const { dtype, shape, begin, end } of tensors) {
    assert(begin >= headerBytes && end <= bytes.length);
    const values = dequantize(dtype, bytes.slice(begin, end));
    assertEquals(values.length, product(shape));
    const view = new DataView(bytes.buffer);
    if (dtype !== "F32") continue;
    values.forEach((value, i) => assert(Object.is(value, view.getFloat32(begin + 4 * i, true))));
  }
}

const SMALL = ggufBytes(
  new Map([...EVERY_FIELD].slice(0, 4)),
  new Map([...EVERY_TENSOR].filter(([, { dtype }]) => ["F32", "Q8_0", "Q6_K"].includes(dtype))),
);
const LARGE = ggufBytes(EVERY_FIELD, EVERY_TENSOR);

Deno.test("parseGgufHeader: damaged files are refused, or read as what they say", async () => {
  const rng = Rng.fromSeed(fuzzSeed("GGUF"));
  let accepted = 0;
  for (let i = 0; i < FUZZ_CASES; i++) {
    const bytes = mutate(rng, i % 4 === 0 ? LARGE : SMALL);
    const header = await readOrRefuse(() => parseGgufHeader("fuzz.gguf", bytes, bytes.length));
    if (header === undefined) continue;
    accepted++;
    assertFaithful(header, bytes);
  }
  console.log(`${accepted} of ${FUZZ_CASES} files were still sound`);
  assert(accepted > 0 && accepted < FUZZ_CASES);
});

Deno.test("openGguf: damaged files on disk are refused, or read as what they say", async () => {
  const rng = Rng.fromSeed(fuzzSeed("GGUF on disk"));
  const path = await Deno.makeTempFile({ suffix: ".gguf" });
  for (let i = 0; i < FUZZ_CASES / 40; i++) {
    await Deno.writeFile(path, mutate(rng, SMALL));
    await readOrRefuse(async () => await readAll(await openGguf(path)));
  }
  await Deno.remove(path);
});

const VECTORS = "../shared/data/tokenizers/vectors";
const vocabulary = join(VECTORS, "ggml-vocab-llama-spm.gguf");
const present = await Deno.stat(vocabulary).then(() => true, () => false);

Deno.test({
  name: "parseGgufHeader: damage to a real vocabulary is refused, or read as what it says",
  ignore: !present,
  fn: async () => {
    const rng = Rng.fromSeed(fuzzSeed("a real GGUF"));
    const sound = await Deno.readFile(vocabulary);
    for (let i = 0; i < FUZZ_CASES / 400; i++) {
      const bytes = mutate(rng, sound);
      const header = await readOrRefuse(() => parseGgufHeader("fuzz.gguf", bytes, bytes.length));
      if (header) assertFaithful(header, bytes);
    }
  },
});

async function readAll(weights: Weights): Promise<void> {
  for (const [name, { shape }] of weights.tensors) {
    assertEquals((await weights.read(name)).length, product(shape));
  }
}

async function safetensors(): Promise<[dir: string, path: string, sound: Uint8Array]> {
  const dir = await Deno.makeTempDir();
  const path = join(dir, "model.safetensors");
  const tensor = (shape: number[]) => ({ shape, values: () => new Float32Array(product(shape)) });
  await writeSafetensors(path, new Map([["a.weight", tensor([2, 3])], ["b", tensor([4])]]));
  return [dir, path, await Deno.readFile(path)];
}

Deno.test("parseEntries: damaged safetensors are refused, or read as what they say", async () => {
  const rng = Rng.fromSeed(fuzzSeed("safetensors"));
  const [dir, path, sound] = await safetensors();
  await Deno.remove(dir, { recursive: true });
  let accepted = 0;
  for (let i = 0; i < FUZZ_CASES; i++) {
    const bytes = mutate(rng, sound);
    const size = bytes.length;
    const found = await readOrRefuse(() => {
      const start = headerEnd(path, bytes.subarray(0, 8), size);
      return { start, entries: parseEntries(path, bytes.subarray(8, start), size) };
    });
    if (found === undefined) continue;
    accepted++;
    // Tensors cover the file behind the header, each byte once, and fill their shapes.
    const ends = found.entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
      .reduce((at, { begin, end }) => at === begin ? end : NaN, found.start);
    assertEquals(ends, size);
    for (const { shape, begin, end } of found.entries) {
      assertEquals((end - begin) % Math.max(1, product(shape)), 0);
    }
  }
  assert(accepted > 0 && accepted < FUZZ_CASES);
});

Deno.test("openWeights: damaged safetensors on disk are refused, or read in their shapes", async () => {
  const rng = Rng.fromSeed(fuzzSeed("safetensors on disk"));
  const [dir, path, sound] = await safetensors();
  for (let i = 0; i < FUZZ_CASES / 40; i++) {
    await Deno.writeFile(path, mutate(rng, sound));
    await readOrRefuse(async () => await readAll(await openWeights(dir)));
  }
  await Deno.remove(dir, { recursive: true });
});
