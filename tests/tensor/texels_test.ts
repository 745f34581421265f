import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { runProgram } from "../../src/tensor/program.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import {
  fitsTexels,
  scratchBytes,
  type TexelFormat,
  type TexelView,
} from "../../src/tensor/texels.ts";
import { tf } from "../../src/tensor/tf.ts";
import { webgpuInternals } from "../../src/tensor/webgpu_internals.ts";
import { forEachBackend } from "./backends.ts";

/** y[row] = Σ of a row's values; two views, so that each needs a texture of its own. */
const rowSumsCode = (x: TexelFormat, other: TexelFormat) => `
@group(0) @binding(0) var x: texture_storage_2d<${x}, read>;
@group(0) @binding(1) var other: texture_storage_2d<${other}, read>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> width: u32;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) row: vec3<u32>) {
  var sum = vec4<f32>();
  for (var i = 0u; i < width; i++) {
    sum += textureLoad(x, vec2<u32>(i, row.x)) + textureLoad(other, vec2<u32>(i, row.x));
  }
  y[row.x] = sum.x + sum.y + sum.z + sum.w;
}`;

function rowSums(x: TexelView, other: TexelView): tf.Tensor {
  const formats = [x.format ?? "rgba32float", other.format ?? "rgba32float"] as const;
  return runProgram({
    key: `test/row_sums/${formats}`,
    label: "row sums",
    code: rowSumsCode(...formats),
    inputs: [x, other],
    outputs: [{ shape: [x.height] }],
    uniforms: [x.width],
    workgroups: [x.height, 1, 1],
  })[0]!;
}

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);

forEachBackend("runProgram: rows of tensors are read as texels, each view its own", async () => {
  for (const height of [1, 5, 40, 3]) {
    const values = Float32Array.from({ length: 128 * height }, (_, i) => i % 97);
    const x = tf.tensor2d(values, [height, 128]);
    const ones = tf.ones([height, 64]);
    const y = rowSums(
      { texels: x, width: 16, height, stride: 128, start: 64 },
      { texels: ones, width: 16, height, stride: 64 },
    );
    const expected = Array.from(
      { length: height },
      (_, row) => 64 + sum(values.subarray(128 * row + 64, 128 * row + 128)),
    );
    assertEquals([...await takeFloats(y)], expected);
    tf.dispose([x, ones]);
  }
}, ["webgpu"]);

forEachBackend("runProgram: half and byte texels are read as floats", async () => {
  const halves = new Int32Array(64).fill(0x3c00_4000 | 0);
  const bytes = new Int32Array(64).fill(0x7f_00_00_81 | 0);
  const [x, other] = [tf.tensor1d(halves, "int32"), tf.tensor1d(bytes, "int32")];
  const y = rowSums(
    { texels: x, width: 32, height: 1, stride: 64, format: "rgba16float" },
    { texels: other, width: 32, height: 1, stride: 64, format: "rgba8snorm" },
  );
  assertEquals([...await takeFloats(y)], [64 * 2 + 64 * 1 + 32 * (1 - 1)]);
  tf.dispose([x, other]);
}, ["webgpu"]);

forEachBackend("fitsTexels: what it refuses, runProgram refuses by name", (device) => {
  const x = tf.ones([2, 65]);
  const view = { texels: x, width: 16, height: 2, stride: 65 };
  assertEquals(fitsTexels(view), false);
  const misaligned = assertThrows(() => rowSums(view, view), OddsmithError);
  assertEquals(misaligned.code, "MISALIGNED_TEXELS");
  assertMatch(misaligned.message, /rows of 65 elements/);
  const tall = { texels: x, width: 1, height: 2 ** 20, stride: 64 };
  assertEquals(fitsTexels(tall), false);
  assertEquals(
    assertThrows(() => rowSums(tall, tall), OddsmithError).code,
    "LIMIT_EXCEEDED",
  );
  x.dispose();
  device.checkFailed();
}, ["webgpu"]);

forEachBackend("runProgram: texture copies count as memory and do not pile up", async (device) => {
  const { device: gpu } = webgpuInternals();
  const run = async (width: number, height: number) => {
    const x = tf.ones([height, 4 * width]);
    const view = { texels: x, width, height, stride: 4 * width };
    assertEquals((await takeFloats(rowSums(view, view)))[height - 1], 8 * width);
    const tensorBytes = 4 * x.size;
    assert(device.memory.bytes() >= tensorBytes + scratchBytes(gpu));
    x.dispose();
  };
  for (const [width, height] of [[8192, 256], [4096, 512], [2048, 1024], [8192, 256]]) {
    await run(width!, height!);
    assert(scratchBytes(gpu) >= 64 * 2 ** 20);
    assert(scratchBytes(gpu) <= 96 * 2 ** 20);
  }
}, ["webgpu"]);
