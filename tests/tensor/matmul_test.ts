import { assertEquals } from "@std/assert";
import { matMul } from "../../src/tensor/matmul.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { assertClose, randomPlain } from "../ops/check.ts";
import { forEachBackend } from "./backends.ts";

forEachBackend("matMul: transposed and batched forms equal float64 at odd sizes", async () => {
  for (const [B, M, K, N] of [[1, 1, 1, 1], [1, 63, 65, 33], [3, 65, 7, 63]]) {
    const a = randomPlain([B!, M!, K!], "a").data;
    const b = randomPlain([B!, K!, N!], "b").data;
    const expected = Float64Array.from({ length: B! * M! * N! }, (_, i) => {
      const [batch, m, n] = [Math.floor(i / (M! * N!)), Math.floor(i / N!) % M!, i % N!];
      let sum = 0;
      for (let k = 0; k < K!; k++) {
        sum += a[(batch * M! + m) * K! + k]! * b[(batch * K! + k) * N! + n]!;
      }
      return sum;
    });
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const y = tf.tidy(() => {
          const left = tf.tensor3d(Float32Array.from(a), [B!, M!, K!]);
          const right = tf.tensor3d(Float32Array.from(b), [B!, K!, N!]);
          const flip = (x: tf.Tensor3D): tf.Tensor3D => tf.transpose(x, [0, 2, 1]);
          return matMul(transposeA ? flip(left) : left, transposeB ? flip(right) : right, {
            transposeA,
            transposeB,
          });
        });
        assertClose("product", await takeFloats(y), expected, 1e-5);
      }
    }
  }
});

forEachBackend("matMul: a long inner dimension is summed to its end", async () => {
  for (const transposeA of [false, true]) {
    const y = tf.tidy(() => {
      const a = transposeA ? tf.ones([70_001, 3]) : tf.ones([3, 70_001]);
      return matMul(a as tf.Tensor2D, tf.ones([70_001, 2]) as tf.Tensor2D, { transposeA });
    });
    assertEquals([...await takeFloats(y)], Array(6).fill(70_001));
  }
}, ["wasm", "webgpu"]);

forEachBackend(
  "matMul: repeats bit by bit with few outputs and a long inner dimension",
  async () => {
    const a = Float32Array.from(randomPlain([40, 4096], "a").data);
    const b = Float32Array.from(randomPlain([4096, 40], "b").data);
    const once = () =>
      takeFloats(tf.tidy(() => matMul(tf.tensor2d(a, [40, 4096]), tf.tensor2d(b, [4096, 40]))));
    const first = await once();
    for (let i = 0; i < 4; i++) assertEquals(await once(), first);
  },
  ["wasm", "webgpu"],
);
