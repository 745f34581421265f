// A workgroup a row of y, a run of segments from `base` on: the row of segment s is the sum of the
// rows order[starts[s]] .. order[starts[s + 1] - 1] of x, in that order.

struct Params {
  // Rows of y.
  rows: u32,
  // Vectors of a row.
  length: u32,
  base: u32,
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> order: array<i32>;
@group(0) @binding(2) var<storage, read> starts: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<V>;
@group(0) @binding(4) var<uniform> params: Params;

fn each_row(row: u32, lane: u32) {
  let start = starts[params.base + row];
  let end = starts[params.base + row + 1];
  for (var column = lane; column < params.length; column += lanes) {
    var sum = V(0);
    for (var n = start; n < end; n++) { sum += x[u32(order[n]) * params.length + column]; }
    y[row * params.length + column] = sum;
  }
}
