// A lane some pairs of vectors, from both halves of what rotates of a head: y = x rotated by its
// token's angles; and some of the vectors after them, which stay.

override heads: u32;
// Vectors of half of what rotates of a head.
override half: u32;
// Vectors of a head that do not.
override rest: u32;

struct Params {
  // Pairs of vectors, and vectors that stay.
  count: u32,
  // 1, or -1 to rotate back.
  direction: f32,
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> cosines: array<V>;
@group(0) @binding(2) var<storage, read> sines: array<V>;
@group(0) @binding(3) var<storage, read> positions: array<i32>;
@group(0) @binding(4) var<storage, read_write> y: array<V>;
@group(0) @binding(5) var<uniform> params: Params;

fn each(i: u32) {
  let head = i / (half + rest);
  let within = i - head * (half + rest);
  let begin = head * (2 * half + rest);
  if (within >= half) {
    y[begin + half + within] = x[begin + half + within];
    return;
  }
  let angle = u32(positions[head / heads]) * half + within;
  let cosine = cosines[angle];
  let sine = params.direction * sines[angle];
  let first = begin + within;
  let x1 = x[first];
  let x2 = x[first + half];
  y[first] = x1 * cosine - x2 * sine;
  y[first + half] = x2 * cosine + x1 * sine;
}
