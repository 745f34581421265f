// y[n] = x[ids[n]] where that row is among the `rows` bound, which begin at row `base`.

override lanes: u32;
override perLane: u32;

struct Params {
  // Vectors of y.
  count: u32,
  // Vectors of a row.
  length: u32,
  base: u32,
  rows: u32,
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> ids: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<V>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let start = (group.x + group.y * groups.x) * lanes * perLane;
  let end = min(start + lanes * perLane, params.count);
  for (var i = start + lane; i < end; i += lanes) {
    // An id before `base` wraps round to a row far beyond.
    let row = u32(ids[i / params.length]) - params.base;
    if (row < params.rows) { y[i] = x[row * params.length + i % params.length]; }
  }
}
