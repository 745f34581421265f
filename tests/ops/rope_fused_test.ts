import { ropeAt, type RopeTable, stockRopeAt } from "../../src/ops/rope.ts";
import { SegmentLayout } from "../../src/ops/attention/segments.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { checkOp, randomPlain } from "./check.ts";
import { checkAgainstReference } from "./reference.ts";

const frequency = (i: number, D: number): number => 100 ** (-2 * i / D);

/** [1, P, 1, D / 2]. */
function tableOf(P: number, D: number): RopeTable {
  const angles = Array.from(
    { length: P * D / 2 },
    (_, at) => Math.floor(at / (D / 2)) * frequency(at % (D / 2), D),
  );
  const make = (f: (angle: number) => number) => tf.tensor4d(angles.map(f), [1, P, 1, D / 2]);
  return { cos: make(Math.cos), sin: make(Math.sin) };
}

/** Pairs (x_i, x_(i + D/2)) as complex numbers, turned by position times frequency. */
function reference(positions: ArrayLike<number>, H: number, D: number) {
  return (x: Float64Array): Float64Array => {
    const y = new Float64Array(x.length);
    for (let row = 0; row < x.length / D; row++) {
      const position = positions[Math.floor(row / H)]!;
      for (let i = 0; i < D / 2; i++) {
        const [re, im] = [row * D + i, row * D + i + D / 2];
        const angle = position * frequency(i, D);
        y[re] = x[re]! * Math.cos(angle) - x[im]! * Math.sin(angle);
        y[im] = x[im]! * Math.cos(angle) + x[re]! * Math.sin(angle);
      }
    }
    return y;
  };
}

for (const [name, op] of [["ropeAt", ropeAt], ["stockRopeAt", stockRopeAt]] as const) {
  forEachBackend(
    `${name}: value and gradient equal float64 in a packed layout`,
    async () => {
      const cases = [
        [[0, 1, 0], 1, 2],
        [[20, 22, 21], 2, 6],
        [[0, 30, 35], 3, 8],
        [[100, 100, 57], 1, 24],
      ] as const;
      for (const [[prompt, chosen, rejected], H, D] of cases) {
        const N = prompt + chosen + rejected;
        const layout = SegmentLayout.ofPairs([{ prompt, chosen, rejected }], N);
        const { positions } = layout.deviceRanges();
        const table = tableOf(N, D);
        await checkOp({
          inputs: [randomPlain([N, H, D], "x")],
          op: (x: tf.Tensor3D) => op(x, table, positions),
          reference: reference(layout.positions, H, D),
          tolerance: 1e-5,
        });
        tf.dispose([table.cos, table.sin]);
        layout.dispose();
      }
    },
    name === "ropeAt" ? ["webgpu"] : ["cpu", "wasm", "webgpu"],
  );
}

for (const [name, op] of [["ropeAt", ropeAt], ["stockRopeAt", stockRopeAt]] as const) {
  forEachBackend(
    `${name}: a short table turns the first part of a head alone`,
    async () => {
      for (const [R, D] of [[2, 3], [4, 8], [8, 12], [16, 20], [6, 16]] as const) {
        const [N, H] = [9, 3];
        const positions = Int32Array.from({ length: N }, (_, i) => i % 5);
        const places = tf.tensor1d(positions, "int32");
        const table = tableOf(5, R);
        const turn = reference(positions, H, R);
        await checkOp({
          inputs: [randomPlain([N, H, D], "x")],
          op: (x: tf.Tensor3D) => op(x, table, places),
          reference: (x) => {
            const first = x.filter((_, i) => i % D < R);
            const turned = turn(first);
            return x.map((value, i) => i % D < R ? turned[Math.floor(i / D) * R + i % D]! : value);
          },
          tolerance: 1e-5,
        });
        tf.dispose([table.cos, table.sin, places]);
      }
    },
    name === "ropeAt" ? ["webgpu"] : ["cpu", "wasm", "webgpu"],
  );
}

forEachBackend("ropeAt: equals its reference, twice the same bits", async () => {
  const [N, H, D] = [257, 3, 64];
  const layout = SegmentLayout.ofBatch(1, N);
  const { positions } = layout.deviceRanges();
  const table = tableOf(N, D);
  await checkAgainstReference({
    inputs: [randomPlain([N, H, D], "x")],
    op: (x: tf.Tensor3D) => ropeAt(x, table, positions),
  });
  tf.dispose([table.cos, table.sin]);
  layout.dispose();
}, ["webgpu"]);
