import { activate, type Activation, gatedActivation } from "../../src/ops/linear/activation.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import { forEachBackend } from "../tensor/backends.ts";
import { assertClose, checkOp, randomPlain } from "./check.ts";
import { checkAgainstReference } from "./reference.ts";

/** By its power series, which cancels too much beyond 4, where erf is 1 to 2e-8. */
function erf(x: number): number {
  if (Math.abs(x) > 4) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; n < 120; n++) {
    term *= -x * x / n;
    sum += term / (2 * n + 1);
  }
  return 2 / Math.sqrt(Math.PI) * sum;
}

const FORMULAS: Record<Activation, (x: number) => number> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => x / 2 * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x) => x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  relu: (x) => Math.max(x, 0),
};

const KINDS = Object.keys(FORMULAS) as Activation[];

for (const kind of KINDS) {
  forEachBackend(`activate: ${kind} and its slope equal float64`, async () => {
    await checkOp({
      inputs: [randomPlain([33, 5], "x", 4)],
      op: (x: tf.Tensor2D) => activate(x, kind),
      reference: (x) => x.map(FORMULAS[kind]),
    });
    await checkOp({
      inputs: [randomPlain([9, 8], "gate", 8), randomPlain([9, 8], "up")],
      op: (gate: tf.Tensor2D, up: tf.Tensor2D) => gatedActivation(gate, up, kind),
      reference: (gate, up) => gate.map((g, i) => FORMULAS[kind](g) * up[i]!),
    });
  });

  forEachBackend(`activate: ${kind} fused equals its reference, bit for bit twice`, async () => {
    for (const [N, F] of [[1, 1], [63, 5], [65, 8], [257, 63]]) {
      await checkAgainstReference({
        inputs: [randomPlain([N!, F!], "x", 3)],
        op: (x: tf.Tensor2D) => activate(x, kind),
      });
      await checkAgainstReference({
        inputs: [randomPlain([N!, F!], "gate", 3), randomPlain([N!, F!], "up")],
        op: (gate: tf.Tensor2D, up: tf.Tensor2D) => gatedActivation(gate, up, kind),
      });
    }
  }, ["webgpu"]);

  forEachBackend(`activate: ${kind} far from 0 is 0 or x, with slopes 0 and 1`, async () => {
    const x = tf.tensor2d([[-1e20, -200, -30, 30, 200, 1e12]]);
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => activate(x as tf.Tensor2D, kind))(
      x,
      tf.onesLike(x),
    );
    const ratios = tf.div(value, x);
    assertClose("value", await takeFloats(ratios), [0, 0, 0, 1, 1, 1], 1e-6);
    assertClose("slope", await takeFloats(grad), [0, 0, 0, 1, 1, 1], 1e-6);
    tf.dispose([x, value]);
  });
}
