// A lane a column of a block of rows: sums[block] = Σ_n dY (x - mean) r over the block's rows.

override lanes: u32;
override block: u32;

struct Params {
  rows: u32,
  // Vectors of a row.
  length: u32,
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> statistics: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> dY: array<V>;
@group(0) @binding(3) var<storage, read_write> sums: array<V>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = group.x * lanes + lane;
  if (column >= params.length) { return; }
  let first = group.y * block;
  let end = min(first + block, params.rows);
  var sum = V(0);
  for (var row = first; row < end; row++) {
    let i = row * params.length + column;
    sum += dY[i] * ((x[i] - statistics[row].x) * statistics[row].y);
  }
  sums[group.y * params.length + column] = sum;
}
