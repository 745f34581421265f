// A workgroup a row: dX = r (g - mean_c(g) - x̂ mean_c(g x̂)), g = dY w, x̂ = (x - mean) r.

struct Params {
  rows: u32,
  // Vectors of a row.
  length: u32,
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> weight: array<V>;
@group(0) @binding(2) var<storage, read> statistics: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> dY: array<V>;
@group(0) @binding(4) var<storage, read_write> dX: array<V>;
@group(0) @binding(5) var<uniform> params: Params;

fn each_row(row: u32, lane: u32) {
  let start = row * params.length;
  let end = start + params.length;
  let mean = statistics[row].x;
  let scale = statistics[row].y;

  var plain = V(0);
  var products = V(0);
  for (var i = start + lane; i < end; i += lanes) {
    let g = dY[i] * weight[i - start];
    plain += g;
    products += g * ((x[i] - mean) * scale);
  }
  // Of g, and of g x̂.
  let sum = lane_sum(lane, vec2<f32>(total(plain), total(products)));

  let along = sum / f32(width * params.length);
  for (var i = start + lane; i < end; i += lanes) {
    let normed = (x[i] - mean) * scale;
    dX[i] = scale * (dY[i] * weight[i - start] - along.x - normed * along.y);
  }
}
