// total += share, element by element.

override lanes: u32;
override perLane: u32;

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> share: array<V>;
@group(0) @binding(1) var<storage, read_write> sum: array<V>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let start = (group.x + group.y * groups.x) * lanes * perLane;
  let end = min(start + lanes * perLane, params.count);
  for (var i = start + lane; i < end; i += lanes) { sum[i] += share[i]; }
}
