// Unpacks rows of a packed matrix, a workgroup a row. What is put before this text: `V` and `width`
// (lanes.ts), `x_at(i)` (packed_source.ts), and `store(row, column, v)`, columns counted in V.

// In values, but for `length`, which counts V.
struct Params {
  rows: u32,
  length: u32,
  start: u32,
  stride: u32,
}

@group(0) @binding(2) var<uniform> params: Params;

fn each_row(row: u32, lane: u32) {
  let start = params.start + row * params.stride;
  for (var column = lane; column < params.length; column += lanes) {
    store(row, column, x_at(start + column * width));
  }
}
