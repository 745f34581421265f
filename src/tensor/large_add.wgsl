// y = a + b, element by element.

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> a: array<V>;
@group(0) @binding(1) var<storage, read> b: array<V>;
@group(0) @binding(2) var<storage, read_write> y: array<V>;
@group(0) @binding(3) var<uniform> params: Params;

fn each(i: u32) { y[i] = a[i] + b[i]; }
