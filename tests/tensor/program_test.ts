import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { maxTensorBytes } from "../../src/tensor/limits.ts";
import {
  allocate,
  floatBits,
  foldWorkgroups,
  rangeAlignment,
  runProgram,
} from "../../src/tensor/program.ts";
import { readFloats, takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "./backends.ts";

/** y = scale x + shift, one element a thread, folded in two dimensions. */
const AXPB = `
struct Params { size: u32, scale: f32, shift: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 8 + lane;
  if (i < params.size) { y[i] = params.scale * x[i] + params.shift; }
}`;

function scaled(x: tf.Tensor, scale: number, shift: number): tf.Tensor {
  return runProgram({
    key: "test/axpb",
    label: "axpb",
    code: AXPB,
    inputs: [x],
    outputs: [{ shape: x.shape }],
    uniforms: [x.size, floatBits(scale), floatBits(shift)],
    workgroups: Math.ceil(x.size / 8),
  })[0]!;
}

/** x += 1 for `count` elements of a binding; `extra` also gets the sum's double. */
const BUMP = `
override count: u32;
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> twice: array<f32>;
@group(0) @binding(2) var<storage, read_write> place: array<i32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= count) { return; }
  x[id.x] += 1;
  twice[id.x] = 2 * x[id.x];
  place[id.x] = i32(id.x);
}`;

forEachBackend(
  "runProgram: an elementwise kernel equals its formula, tfjs before and after",
  async () => {
    for (const size of [1, 63, 65, 257]) {
      const before = tf.memory().numTensors;
      const y = tf.tidy(() => tf.add(scaled(tf.range(0, size, 1, "float32"), 0.5, -3), 1));
      const expected = Float32Array.from({ length: size }, (_, i) => 0.5 * i - 2);
      assertEquals(await takeFloats(y), expected);
      assertEquals(tf.memory().numTensors, before);
    }
  },
  ["webgpu"],
);

forEachBackend("runProgram: in place, two outputs and a constant", async () => {
  const before = tf.memory().numTensors;
  const x = tf.tensor1d([1, 2, 3]);
  await readFloats(x);
  const run = () =>
    runProgram({
      key: "test/bump",
      label: "bump",
      code: () => BUMP,
      constants: { count: 2 },
      inPlace: [x],
      outputs: [{ shape: [2] }, { shape: [2], dtype: "int32" }],
      workgroups: [1, 1, 1],
    });
  const [twice, place] = run();
  assertEquals([...await readFloats(x)], [2, 3, 3]);
  assertEquals([...await takeFloats(twice!)], [4, 6]);
  assertEquals(place!.dtype, "int32");
  assertEquals([...await takeFloats(place!)], [0, 1]);
  tf.dispose(run());
  assertEquals([...await readFloats(x)], [3, 4, 3], "a value read earlier is not served again");
  x.dispose();
  assertEquals(tf.memory().numTensors, before);
}, ["webgpu"]);

forEachBackend("runProgram: ranges of tensors are bound", async () => {
  const start = rangeAlignment();
  const x = tf.range(0, start + 5, 1, "float32");
  const y = allocate([start + 5]);
  runProgram({
    key: "test/axpb",
    label: "axpb",
    code: AXPB,
    inputs: [x],
    inPlace: [y],
    uniforms: [start + 5, 0, 0],
    workgroups: Math.ceil((start + 5) / 8),
  });
  runProgram({
    key: "test/axpb",
    label: "axpb",
    code: AXPB,
    inputs: [{ tensor: x, start, length: 3 }],
    inPlace: [{ tensor: y, start, length: 4 }],
    uniforms: [3, floatBits(1), floatBits(0)],
    workgroups: 1,
  });
  const values = await takeFloats(y);
  assertEquals([...values.subarray(start - 1)], [0, start, start + 1, start + 2, 0, 0]);
  x.dispose();
}, ["webgpu"]);

forEachBackend(
  "runProgram: many runs in a tidy leave no tensor and no growing memory",
  async (device) => {
    const run = () =>
      tf.tidy(() => {
        let x = tf.ones([100]) as tf.Tensor;
        for (let i = 0; i < 50; i++) x = scaled(x, 1, 1);
        return x;
      });
    assertEquals((await takeFloats(run()))[99], 51);
    const [tensors, memory] = [tf.memory().numTensors, device.memory.bytes()];
    for (let i = 0; i < 5; i++) assertEquals((await takeFloats(run()))[0], 51);
    assertEquals(tf.memory().numTensors, tensors);
    assertEquals(device.memory.bytes(), memory);
  },
  ["webgpu"],
);

forEachBackend(
  "runProgram: what outgrows a limit throws before dispatch, with nothing left behind",
  (device) => {
    const before = tf.memory().numTensors;
    const asks = (program: Partial<Parameters<typeof runProgram>[0]>, code: string) => {
      const error = assertThrows(
        () =>
          tf.tidy(() =>
            runProgram({
              key: "test/axpb",
              label: "axpb",
              code: AXPB,
              uniforms: [0, 0, 0],
              workgroups: 1,
              ...program,
            })
          ),
        OddsmithError,
      );
      assertEquals(error.code, code);
      assertMatch(error.message, /^Cannot compute axpb: /);
      return error;
    };
    const x = tf.ones([4]);
    const over = maxTensorBytes() / 4 + 1;
    const error = asks(
      { inputs: [x], outputs: [{ shape: [over] }], option: "maxLength" },
      "LIMIT_EXCEEDED",
    );
    assertEquals(error.hint, "lower maxLength");
    assertMatch(error.message, /this device allows .*iB in one binding/);
    asks({ inputs: [x], outputs: [{ shape: [device.limits.maxBufferBytes] }] }, "LIMIT_EXCEEDED");
    const dispatch = asks(
      { inputs: [x], outputs: [{ shape: [4] }], workgroups: [1, 2 ** 20, 1] },
      "LIMIT_EXCEEDED",
    );
    assertMatch(dispatch.message, /\[1, 1048576, 1\] workgroups/);
    asks({ inputs: [x], outputs: [{ shape: [0] }] }, "EMPTY_BINDING");
    asks({ inputs: [x], inPlace: [x] }, "SHARED_BUFFER");
    x.dispose();
    assertEquals(tf.memory().numTensors, before);
  },
  ["webgpu"],
);

Deno.test("foldWorkgroups: covers the count within the limit, with less than a row to spare", () => {
  assertEquals(foldWorkgroups(65535, 65535), [65535, 1, 1]);
  for (const count of [65536, 1_000_000, 65535 * 3 + 1]) {
    const [x, y, z] = foldWorkgroups(count, 65535);
    assertEquals(z, 1);
    assert(x <= 65535 && y <= 65535 && x * y >= count && x * y - count < y);
  }
});
