// total += share, element by element.

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> share: array<V>;
@group(0) @binding(1) var<storage, read_write> sum: array<V>;
@group(0) @binding(2) var<uniform> params: Params;

fn each(i: u32) { sum[i] += share[i]; }
