// A workgroup a row: y[n] = x[ids[n]] where that is among the `held` rows bound, from `base` on. What
// is put before this text: `V` and `width` (lanes.ts), the binding x and `x_at(i)` (packed_source.ts).

struct Params {
  // Rows of y.
  rows: u32,
  // Vectors of a row.
  length: u32,
  base: u32,
  held: u32,
}

@group(0) @binding(1) var<storage, read> ids: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<V>;
@group(0) @binding(3) var<uniform> params: Params;

fn each_row(row: u32, lane: u32) {
  // An id before `base` wraps round to a place far beyond.
  let place = u32(ids[row]) - params.base;
  if (place >= params.held) { return; }
  for (var column = lane; column < params.length; column += lanes) {
    y[row * params.length + column] = x_at((place * params.length + column) * width);
  }
}
