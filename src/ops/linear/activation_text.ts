/** The programs of activation.ts as WGSL text: each is elementwise (src/tensor/elementwise.ts). */

import type { Activation } from "./activation.ts";
import { tanhText } from "../tanh_text.ts";

/** f and its slope, of V. */
const FUNCTIONS: Readonly<Record<Activation, string>> = {
  silu: `
fn sigmaOf(x: V) -> V { return 1 / (1 + exp(-x)); }
fn valueOf(x: V) -> V { return x * sigmaOf(x); }
fn slopeOf(x: V) -> V {
  let sigma = sigmaOf(x);
  return sigma * (1 + x * (1 - sigma));
}`,
  // erf by Abramowitz & Stegun 7.1.26, within 1.5e-7 everywhere.
  gelu: `
fn erfOf(x: V) -> V {
  let t = 1 / (1 + 0.3275911 * abs(x));
  let series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 +
    t * 1.061405429))));
  return sign(x) * (1 - series * exp(-x * x));
}
fn normalDistribution(x: V) -> V { return 0.5 * (1 + erfOf(x * ${Math.SQRT1_2})); }
fn valueOf(x: V) -> V { return x * normalDistribution(x); }
fn slopeOf(x: V) -> V {
  return normalDistribution(x) + x * exp(-0.5 * x * x) * ${1 / Math.sqrt(2 * Math.PI)};
}`,
  gelu_tanh: `${tanhText("V")}
const ROOT = ${Math.sqrt(2 / Math.PI)};
fn tanhPart(x: V) -> V { return tanhOf(ROOT * (x + 0.044715 * x * x * x)); }
fn valueOf(x: V) -> V { return 0.5 * x * (1 + tanhPart(x)); }
fn slopeOf(x: V) -> V {
  let t = tanhPart(x);
  // Where 1 - t² is 0, x² may overflow.
  let flat = 1 - t * t;
  let along = select(0.5 * x * flat * ROOT * (1 + 3 * 0.044715 * x * x), V(0), flat == V(0));
  return 0.5 * (1 + t) + along;
}`,
  relu: `
fn valueOf(x: V) -> V { return max(x, V(0)); }
fn slopeOf(x: V) -> V { return select(V(0), V(1), x > V(0)); }`,
};

/** The four programs of an activation. */
export function activationText(kind: Activation) {
  const program = (inputs: string[], outputs: string[], body: string) =>
    `${FUNCTIONS[kind]}
struct Params { count: u32 }
${
      [
        ...inputs.map((name) => `var<storage, read> ${name}: array<V>;`),
        ...outputs.map((name) => `var<storage, read_write> ${name}: array<V>;`),
        "var<uniform> params: Params;",
      ].map((declaration, i) => `@group(0) @binding(${i}) ${declaration}`).join("\n")
    }
fn each(i: u32) { ${body} }`;
  return {
    value: program(["x"], ["y"], "y[i] = valueOf(x[i]);"),
    gradient: program(["x", "dY"], ["dX"], "dX[i] = dY[i] * slopeOf(x[i]);"),
    gatedValue: program(["gate", "up"], ["y"], "y[i] = valueOf(gate[i]) * up[i];"),
    gatedGradient: program(
      ["gate", "up", "dY"],
      ["dGate", "dUp"],
      "dGate[i] = dY[i] * up[i] * slopeOf(gate[i]); dUp[i] = dY[i] * valueOf(gate[i]);",
    ),
  };
}
