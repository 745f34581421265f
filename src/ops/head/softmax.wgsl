// A workgroup a row of a tile of logits: takes the tile into the row's running maximum and sum of
// exponentials, and the target's logit if the tile has it. After the last tile y is right.
//
// Logits are capped as they are read (tiles.ts). A row's state is (maximum, sum of
// exp(logit - maximum), target's logit, unused).

struct Params {
  rows: u32,
  // Vectors of a row of the tile.
  length: u32,
  // The tile's first token; 0 begins anew.
  base: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<V>;
@group(0) @binding(1) var<storage, read> targets: array<i32>;
@group(0) @binding(2) var<storage, read_write> states: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const LOWEST = -3.4028234e38;

var<workgroup> maxima: array<f32, lanes>;
var<workgroup> sums: array<f32, lanes>;
var<workgroup> found: f32;

fn each_row(row: u32, lane: u32) {
  let start = row * params.length;
  let place = u32(targets[row]) - params.base;

  var best = LOWEST;
  var sum = V(0);
  for (var i = lane; i < params.length; i += lanes) {
    let logit = capped(logits[start + i]);
    let next = max(best, largest(logit));
    sum = sum * exp(best - next) + exp(logit - next);
    best = next;
    if (i == place / width) { found = element(logit, place % width); }
  }
  maxima[lane] = best;
  sums[lane] = total(sum);
  workgroupBarrier();
  for (var half = lanes / 2; half > 0; half /= 2) {
    if (lane < half) {
      let next = max(maxima[lane], maxima[lane + half]);
      sums[lane] = sums[lane] * exp(maxima[lane] - next)
        + sums[lane + half] * exp(maxima[lane + half] - next);
      maxima[lane] = next;
    }
    workgroupBarrier();
  }
  if (lane > 0) { return; }

  var state = vec4<f32>(LOWEST, 0, 0, 0);
  if (params.base > 0) { state = states[row]; }
  let next = max(state.x, maxima[0]);
  state.y = state.y * exp(state.x - next) + sums[0] * exp(maxima[0] - next);
  state.x = next;
  if (place < width * params.length) { state.z = found; }
  states[row] = state;
  // Rounding can leave a certain token a little above 0; `select` keeps NaN, `min` may not.
  let logProb = state.z - state.x - log(state.y);
  y[row] = select(logProb, 0, logProb > 0);
}
