// dGate = dY up σ (1 + gate (1 - σ)), dUp = dY gate σ, σ = σ(gate), element by element.

override lanes: u32;
override perLane: u32;

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> gate: array<V>;
@group(0) @binding(1) var<storage, read> up: array<V>;
@group(0) @binding(2) var<storage, read> dY: array<V>;
@group(0) @binding(3) var<storage, read_write> dGate: array<V>;
@group(0) @binding(4) var<storage, read_write> dUp: array<V>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let start = (group.x + group.y * groups.x) * lanes * perLane;
  let end = min(start + lanes * perLane, params.count);
  for (var i = start + lane; i < end; i += lanes) {
    let g = gate[i];
    let sigma = 1 / (1 + exp(-g));
    dGate[i] = dY[i] * up[i] * sigma * (1 + g * (1 - sigma));
    dUp[i] = dY[i] * g * sigma;
  }
}
