import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { activeTimer } from "../../src/tensor/kernel_timer.ts";
import { type OpProfile, Profiler } from "../../src/tensor/profile.ts";
import { runProgram } from "../../src/tensor/program.ts";
import { readFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { zeros } from "../../src/tensor/zeros.ts";
import { forEachBackend, skipWebGPU } from "./backends.ts";

/** y = x after `rounds` rounds of arithmetic that no compiler can leave out. */
const SPIN = `
override rounds: u32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= arrayLength(&x)) { return; }
  var sum = x[id.x];
  for (var i = 0u; i < rounds; i++) { sum = sum * 0.999 + 0.25; }
  y[id.x] = sum;
}`;

function spin(label: string, x: tf.Tensor, rounds: number): tf.Tensor {
  return runProgram({
    key: "test/spin",
    label,
    code: SPIN,
    constants: { rounds },
    inputs: [x],
    outputs: [{ shape: x.shape }],
    workgroups: Math.ceil(x.size / 64),
  })[0]!;
}

async function profiled(profiler: Profiler, work: () => void): Promise<Map<string, OpProfile>> {
  await profiler.start();
  work();
  await profiler.stop();
  return new Map(profiler.profile().ops.map((op) => [op.label, op]));
}

for (const method of ["timestamp-query", "submit-and-wait"] as const) {
  Deno.test({
    name: `Profiler: counts every program, and tells long from short, by ${method}`,
    ignore: skipWebGPU,
    fn: async () => {
      await openDevice("webgpu");
      const profiler = new Profiler(method);
      const x = tf.linspace(0, 1, 8192);
      const work = () =>
        tf.tidy(() => {
          for (let i = 0; i < 4; i++) spin("long", x, 4000);
          for (let i = 0; i < 6; i++) spin("short", x, 4);
          for (let i = 0; i < 3; i++) x.add(tf.scalar(1));
          zeros([77]);
          x.slice([0], [0]);
        });
      work();
      const ops = await profiled(profiler, work);
      const counts = ["long", "short", "tfjs Add", "clear"].map((label) => ops.get(label)?.count);
      assertEquals(counts, [4, 6, 3, 1]);
      const { wallMs, kernelMs, untimed, ops: listed, ...rest } = profiler.profile();
      assertEquals(rest, { method });
      assertEquals(untimed, 0);
      assertEquals(listed[0]!.label, "long");
      assertGreater(ops.get("long")!.totalMs / 4, 4 * ops.get("short")!.totalMs / 6);
      assert(kernelMs > 0 && kernelMs <= wallMs, `${kernelMs} of ${wallMs} ms`);
      const sum = listed.reduce((total, op) => total + op.share, 0);
      assert(Math.abs(sum - 1) < 1e-9);
      // Once more adds up, and nothing outside is counted.
      work();
      const again = await profiled(profiler, work);
      assertEquals(again.get("long")!.count, 8);
      assertGreater(profiler.profile().wallMs, wallMs);
      assertEquals(activeTimer(), undefined);
      profiler.dispose();
      x.dispose();
    },
  });
}

Deno.test({
  name: "Profiler: times more runs than a query set holds",
  ignore: skipWebGPU,
  fn: async () => {
    await openDevice("webgpu");
    const profiler = new Profiler("timestamp-query");
    const x = tf.ones([64]);
    const ops = await profiled(profiler, () => {
      for (let i = 0; i < 2100; i++) spin("many", x, 1).dispose();
    });
    assertEquals(ops.get("many")!.count, 2100);
    assertEquals(profiler.profile().untimed, 0);
    profiler.dispose();
    x.dispose();
  },
});

forEachBackend("Profiler: the work gives the same bits, in kernels known by name", async () => {
  const x = tf.randomNormal<tf.Rank.R2>([65, 33], 0, 1, "float32", 7);
  const work = () =>
    tf.tidy(() => {
      const gradient = tf.grad((x: tf.Tensor) => x.matMul(x, true).mul(x.matMul(x, true)).sum());
      return gradient(x);
    });
  const plain = work();
  const profiler = new Profiler();
  let same: tf.Tensor | undefined;
  const ops = await profiled(profiler, () => same = work());
  assertEquals(await readFloats(same!), await readFloats(plain));
  assertEquals(ops.get("tfjs Multiply")!.count > 0, true);
  const { wallMs, kernelMs } = profiler.profile();
  assertLess(kernelMs, wallMs);
  profiler.dispose();
  tf.dispose([x, plain, same!]);
});

Deno.test("Profiler: two at a time are refused, the first goes on", async () => {
  await openDevice("cpu");
  const first = new Profiler();
  await first.start();
  const error = await assertRejects(() => new Profiler().start(), OddsmithError);
  assertEquals(error.code, "PROFILING");
  tf.tidy(() => tf.add(1, 2));
  await first.stop();
  assertEquals(first.profile().ops.find(({ label }) => label === "tfjs Add")?.count, 1);
  const next = new Profiler();
  await next.start();
  await next.stop();
});
