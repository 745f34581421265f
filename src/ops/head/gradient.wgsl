// A workgroup a row of a tile: logits, capped as they are read (tiles.ts), become dLogits =
// dY (onehot(target) - softmax(logits)), followed by the cap's slope.

struct Params {
  rows: u32,
  // Vectors of a row of the tile.
  length: u32,
  // The tile's first token.
  base: u32,
}

@group(0) @binding(0) var<storage, read> targets: array<i32>;
// See softmax.wgsl.
@group(0) @binding(1) var<storage, read> states: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> dY: array<f32>;
@group(0) @binding(3) var<storage, read_write> logits: array<V>;
@group(0) @binding(4) var<uniform> params: Params;

fn each_row(row: u32, lane: u32) {
  let start = row * params.length;
  let place = u32(targets[row]) - params.base;
  let best = states[row].x;
  let scale = dY[row];
  let share = scale / states[row].y;
  for (var i = lane; i < params.length; i += lanes) {
    let logit = capped(logits[start + i]);
    var gradient = exp(logit - best) * -share;
    if (i == place / width) { gradient += scale * basis(place % width); }
    logits[start + i] = gradient * capSlope(logit);
  }
}
