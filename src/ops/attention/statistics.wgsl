// A lane a query of a head: (log-sum-exp, y · dY).

override lanes: u32;

struct Params {
  // Queries of all heads.
  count: u32,
  // Vectors of a row.
  length: u32,
}

@group(0) @binding(0) var<storage, read> y: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> dY: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> logSums: array<f32>;
@group(0) @binding(3) var<storage, read_write> statistics: array<vec2<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * lanes + lane;
  if (i >= params.count) { return; }
  var products = vec4<f32>();
  for (var n = i * params.length; n < (i + 1) * params.length; n++) { products += y[n] * dY[n]; }
  let along = (products.x + products.y) + (products.z + products.w);
  statistics[i] = vec2<f32>(logSums[i], along);
}
