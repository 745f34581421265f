// One AdamW update, element by element, in place.

struct Params {
  count: u32,
  beta1: f32,
  // 1 - beta1, rounded once.
  rest1: f32,
  beta2: f32,
  rest2: f32,
  epsilon: f32,
  // The root of the second moment's bias correction.
  rootCorrection: f32,
  // The learning rate over the first moment's bias correction.
  stepSize: f32,
  // What weight decay leaves of the parameter.
  kept: f32,
}

@group(0) @binding(0) var<storage, read> gradient: array<V>;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read_write> parameter: array<V>;
@group(0) @binding(3) var<storage, read_write> first: array<V>;
@group(0) @binding(4) var<storage, read_write> second: array<V>;
@group(0) @binding(5) var<uniform> params: Params;

fn each(i: u32) {
  let g = gradient[i] * scale[0];
  let m = first[i] * params.beta1 + g * params.rest1;
  let v = second[i] * params.beta2 + g * g * params.rest2;
  first[i] = m;
  second[i] = v;
  let change = m / (sqrt(v) / params.rootCorrection + params.epsilon) * params.stepSize;
  parameter[i] = parameter[i] * params.kept - change;
}
