// A workgroup a row: y = x r w, and the row's r.

// Added to the weight.
override offset: f32;

struct Params {
  rows: u32,
  // Vectors of a row.
  length: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> weight: array<V>;
@group(0) @binding(2) var<storage, read_write> y: array<V>;
@group(0) @binding(3) var<storage, read_write> r: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

fn each_row(row: u32, lane: u32) {
  let start = row * params.length;
  let end = start + params.length;

  var squares = V(0);
  for (var i = start + lane; i < end; i += lanes) { squares += x[i] * x[i]; }
  let sum = lane_sum(lane, total(squares));

  let scale = 1 / sqrt(sum / f32(width * params.length) + params.epsilon);
  if (lane == 0) { r[row] = scale; }
  for (var i = start + lane; i < end; i += lanes) {
    y[i] = x[i] * scale * (weight[i - start] + offset);
  }
}
