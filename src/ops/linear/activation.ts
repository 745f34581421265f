/**
 * activate: y = f(x); gatedActivation: y = f(gate) ⊙ up
 *
 *     x, gate, up, y [N, F]
 *     dX = dY ⊙ f'(x)      dGate = dY ⊙ up ⊙ f'(gate)      dUp = dY ⊙ f(gate)
 *
 *     silu       x σ(x); its gate is SwiGLU
 *     gelu       x Φ(x), Φ the normal distribution's, by erf
 *     gelu_tanh  x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
 *     relu       max(x, 0); its slope at 0 is 0
 *
 * Saves x, or gate and up. (Hendrycks & Gimpel 2016; Shazeer 2020.) On webgpu one program each way
 * (activation_text.ts). Reference: `valueOf` and `slopeOf`.
 */

import { runElementwise } from "../../tensor/elementwise.ts";
import { withGradient } from "../../tensor/gradient.ts";
import { usesFused } from "../../tensor/kernels.ts";
import { tf } from "../../tensor/tf.ts";
import { activationText } from "./activation_text.ts";

/** A function of one value. */
export type Activation = "silu" | "gelu" | "gelu_tanh" | "relu";

/** Applies `kind` to every element. */
export function activate(x: tf.Tensor2D, kind: Activation): tf.Tensor2D {
  return withGradient<tf.Tensor2D>(
    [x],
    (save) => {
      save([x]);
      return usesFused() ? run(kind, "value", [x], 1)[0]! : valueOf(kind, x);
    },
    (dY, [x]) => {
      const saved = x as tf.Tensor2D;
      return usesFused()
        ? run(kind, "gradient", [saved, dY], 1)
        : [tf.mul(dY, slopeOf(kind, saved))];
    },
  );
}

/** Gates `up` by the activation of `gate`. */
export function gatedActivation(
  gate: tf.Tensor2D,
  up: tf.Tensor2D,
  kind: Activation,
): tf.Tensor2D {
  return withGradient<tf.Tensor2D>(
    [gate, up],
    (save) => {
      save([gate, up]);
      return usesFused()
        ? run(kind, "gatedValue", [gate, up], 1)[0]!
        : tf.mul(valueOf(kind, gate), up);
    },
    (dY, saved) => {
      const [gate, up] = saved as [tf.Tensor2D, tf.Tensor2D];
      return usesFused() ? run(kind, "gatedGradient", [gate, up, dY], 2) : [
        tf.mul(tf.mul(dY, up), slopeOf(kind, gate)),
        tf.mul(dY, valueOf(kind, gate)),
      ];
    },
  );
}

const LABELS = {
  value: (kind: Activation) => kind,
  gradient: (kind: Activation) => `${kind}'s gradient`,
  gatedValue: (kind: Activation) => `a ${kind} gate`,
  gatedGradient: (kind: Activation) => `a ${kind} gate's gradient`,
};

function run(
  kind: Activation,
  what: keyof typeof LABELS,
  inputs: tf.Tensor2D[],
  outputs: number,
): tf.Tensor2D[] {
  const created = runElementwise({
    key: `activation/${kind}/${what}`,
    code: activationText(kind)[what],
    label: LABELS[what](kind),
    inputs,
    outputs,
  });
  return created as tf.Tensor2D[];
}

const ROOT = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** f(x) in tfjs's operations. */
function valueOf(kind: Activation, x: tf.Tensor2D): tf.Tensor2D {
  switch (kind) {
    case "silu":
      return tf.mul(x, tf.sigmoid(x));
    case "gelu":
      return tf.mul(x, normalDistribution(x));
    case "gelu_tanh":
      return tf.mul(tf.mul(x, 0.5), tf.add(1, tf.tanh(cubicOf(x))));
    case "relu":
      return tf.relu(x);
  }
}

/** f'(x) in tfjs's operations. */
function slopeOf(kind: Activation, x: tf.Tensor2D): tf.Tensor2D {
  switch (kind) {
    case "silu": {
      const sigma = tf.sigmoid(x);
      return tf.mul(sigma, tf.add(1, tf.mul(x, tf.sub(1, sigma))));
    }
    case "gelu": {
      const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return tf.add(normalDistribution(x), tf.mul(x, density));
    }
    case "gelu_tanh": {
      const t = tf.tanh(cubicOf(x));
      const inner = tf.mul(ROOT, tf.add(1, tf.mul(3 * CUBIC, tf.square(bounded(x)))));
      const along = tf.mul(tf.mul(x, 0.5), tf.mul(tf.sub(1, tf.square(t)), inner));
      return tf.add(tf.mul(0.5, tf.add(1, t)), along);
    }
    case "relu":
      return tf.cast(tf.greater(x, 0), "float32");
  }
}

function normalDistribution(x: tf.Tensor2D): tf.Tensor2D {
  return tf.mul(0.5, tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))));
}

function cubicOf(x: tf.Tensor2D): tf.Tensor2D {
  const near = bounded(x);
  return tf.mul(ROOT, tf.add(near, tf.mul(CUBIC, tf.mul(near, tf.square(near)))));
}

/** x where tanh of its cube is not yet ±1: beyond, a power could overflow. */
function bounded(x: tf.Tensor2D): tf.Tensor2D {
  return tf.clipByValue(x, -20, 20);
}
