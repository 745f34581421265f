// y = x / (1 - rate) where the hash of the element's number reaches the threshold, 0 elsewhere. The
// hash is `hashOf` of dropout.ts, to the bit.

struct Params {
  count: u32,
  key0: u32,
  key1: u32,
  threshold: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(0) @binding(2) var<uniform> params: Params;

fn mixed(bits: u32) -> u32 {
  var h = bits;
  h = (h ^ (h >> 16)) * 0x21f0aaadu;
  h = (h ^ (h >> 15)) * 0xd35a2d97u;
  return h ^ (h >> 15);
}

fn each(i: u32) {
  var kept = V();
  for (var j = 0u; j < width; j++) {
    let hash = mixed(mixed((i * width + j) ^ params.key0) ^ params.key1);
    if (hash >= params.threshold) { kept += params.scale * basis(j); }
  }
  y[i] = x[i] * kept;
}
