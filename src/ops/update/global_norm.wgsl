// A workgroup a block: sums[place + block] = the sum of the block, or of its squares, or the root
// of that. Blocks lie side by side; lanes take every lanes-th vector of theirs.

override lanes: u32;
override perLane: u32;
override squared: bool;
override rooted: bool;

struct Params {
  // Vectors of x.
  count: u32,
  // Where the first block's sum goes.
  place: u32,
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = group.x + group.y * groups.x;
  let start = block * lanes * perLane;
  if (start >= params.count) { return; }
  let end = min(start + lanes * perLane, params.count);

  var sum = V(0);
  for (var i = start + lane; i < end; i += lanes) {
    sum += select(x[i], x[i] * x[i], squared);
  }
  let all = lane_sum(lane, total(sum));
  if (lane == 0) { sums[params.place + block] = select(all, sqrt(all), rooted); }
}
