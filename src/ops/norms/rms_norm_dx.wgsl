// A workgroup a row: dX = r (g - x̂ mean_c(g x̂)), g = dY w, x̂ = x r.

// Added to the weight.
override offset: f32;

struct Params {
  rows: u32,
  // Vectors of a row.
  length: u32,
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> weight: array<V>;
@group(0) @binding(2) var<storage, read> r: array<f32>;
@group(0) @binding(3) var<storage, read> dY: array<V>;
@group(0) @binding(4) var<storage, read_write> dX: array<V>;
@group(0) @binding(5) var<uniform> params: Params;

fn each_row(row: u32, lane: u32) {
  let start = row * params.length;
  let end = start + params.length;
  let scale = r[row];

  var products = V(0);
  for (var i = start + lane; i < end; i += lanes) {
    products += dY[i] * (weight[i - start] + offset) * (x[i] * scale);
  }
  let sum = lane_sum(lane, total(products));

  let along = sum / f32(width * params.length);
  for (var i = start + lane; i < end; i += lanes) {
    dX[i] = scale * (dY[i] * (weight[i - start] + offset) - x[i] * scale * along);
  }
}
