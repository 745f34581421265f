// A workgroup a row: y = (x - mean) r w + b, and the row's (mean, r). The variance is the mean of
// (x - mean)², in a second pass over the row: the mean of x² less mean² cancels.

struct Params {
  rows: u32,
  // Vectors of a row.
  length: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> weight: array<V>;
@group(0) @binding(2) var<storage, read> bias: array<V>;
@group(0) @binding(3) var<storage, read_write> y: array<V>;
@group(0) @binding(4) var<storage, read_write> statistics: array<vec2<f32>>;
@group(0) @binding(5) var<uniform> params: Params;

fn each_row(row: u32, lane: u32) {
  let start = row * params.length;
  let end = start + params.length;
  let size = f32(width * params.length);

  var sum = V(0);
  for (var i = start + lane; i < end; i += lanes) { sum += x[i]; }
  let mean = lane_sum(lane, total(sum)) / size;
  workgroupBarrier();

  var squares = V(0);
  for (var i = start + lane; i < end; i += lanes) {
    let centred = x[i] - mean;
    squares += centred * centred;
  }
  let variance = lane_sum(lane, total(squares)) / size;

  let scale = 1 / sqrt(variance + params.epsilon);
  if (lane == 0) { statistics[row] = vec2<f32>(mean, scale); }
  for (var i = start + lane; i < end; i += lanes) {
    y[i] = (x[i] - mean) * scale * weight[i - start] + bias[i - start];
  }
}
