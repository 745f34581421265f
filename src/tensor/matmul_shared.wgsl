// The matrix product that suits GPUs: a workgroup computes a tile of ROWS x COLUMNS, of which each
// lane keeps TALL x WIDE in registers; INNER steps at a time go through shared memory, transposed so
// that lanes read vectors. What is put before this text: Params, the bindings a and b with
// `a_at` and `b_at` (packed_source.ts), and the constants
//
//   ROWS, COLUMNS, INNER, TALL, WIDE: sizes; TALL and WIDE are multiples of 4
//   A_INNER, B_INNER: whether stored rows of a, of b run along the inner dimension
//   ACCUMULATE: whether the product is added to what y holds

@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const LANES_X = COLUMNS / WIDE;
const LANES_Y = ROWS / TALL;
const LANES = LANES_X * LANES_Y;
const QUADS_TALL = TALL / 4;
const QUADS_WIDE = WIDE / 4;
// Four more than a row keep transposing writes off each other's banks.
const A_PITCH = ROWS + 4;
const B_PITCH = COLUMNS + 4;

var<workgroup> a_tile: array<vec4<f32>, INNER * A_PITCH / 4>;
var<workgroup> b_tile: array<vec4<f32>, INNER * B_PITCH / 4>;

fn load_a(lane: u32, row: u32, inner: u32, is_full: bool) {
  for (var e = lane; e < ROWS * INNER; e += LANES) {
    let i = select(e % ROWS, e / INNER, A_INNER);
    let k = select(e / ROWS, e % INNER, A_INNER);
    var value = 0f;
    if (is_full || (row + i < params.rows && inner + k < params.inner)) {
      let along = select(row + i, inner + k, A_INNER);
      let across = select(inner + k, row + i, A_INNER);
      value = a_at(params.aStart + across * params.aStride + along);
    }
    a_tile[(k * A_PITCH + i) / 4][i % 4] = value;
  }
}

fn load_b(lane: u32, column: u32, inner: u32, is_full: bool) {
  for (var e = lane; e < COLUMNS * INNER; e += LANES) {
    let j = select(e % COLUMNS, e / INNER, B_INNER);
    let k = select(e / COLUMNS, e % INNER, B_INNER);
    var value = 0f;
    if (is_full || (column + j < params.columns && inner + k < params.inner)) {
      let along = select(column + j, inner + k, B_INNER);
      let across = select(inner + k, column + j, B_INNER);
      value = b_at(params.bStart + across * params.bStride + along);
    }
    b_tile[(k * B_PITCH + j) / 4][j % 4] = value;
  }
}

@compute @workgroup_size(LANES_X, LANES_Y)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) place: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.y * ROWS;
  let column = group.x * COLUMNS;
  let is_inside = row + ROWS <= params.rows && column + COLUMNS <= params.columns;
  var sums: array<vec4<f32>, TALL * QUADS_WIDE>;

  for (var inner = 0u; inner < params.inner; inner += INNER) {
    let is_full = is_inside && inner + INNER <= params.inner;
    load_a(lane, row, inner, is_full);
    load_b(lane, column, inner, is_full);
    workgroupBarrier();
    for (var k = 0u; k < INNER; k++) {
      var b_quads: array<vec4<f32>, QUADS_WIDE>;
      for (var j = 0u; j < QUADS_WIDE; j++) {
        b_quads[j] = b_tile[k * (B_PITCH / 4) + j * LANES_X + place.x];
      }
      for (var i = 0u; i < QUADS_TALL; i++) {
        let a_quad = a_tile[k * (A_PITCH / 4) + i * LANES_Y + place.y];
        for (var j = 0u; j < QUADS_WIDE; j++) {
          sums[(4 * i + 0) * QUADS_WIDE + j] += a_quad.x * b_quads[j];
          sums[(4 * i + 1) * QUADS_WIDE + j] += a_quad.y * b_quads[j];
          sums[(4 * i + 2) * QUADS_WIDE + j] += a_quad.z * b_quads[j];
          sums[(4 * i + 3) * QUADS_WIDE + j] += a_quad.w * b_quads[j];
        }
      }
    }
    workgroupBarrier();
  }

  for (var i = 0u; i < TALL; i++) {
    let out_row = row + 4 * ((i / 4) * LANES_Y + place.y) + i % 4;
    if (out_row >= params.rows) { continue; }
    for (var j = 0u; j < WIDE; j++) {
      let out_column = column + 4 * ((j / 4) * LANES_X + place.x) + j % 4;
      if (out_column >= params.columns) { continue; }
      let at = params.outStart + out_row * params.outStride + out_column;
      let sum = sums[i * QUADS_WIDE + j / 4][j % 4];
      if (ACCUMULATE) { y[at] += sum; } else { y[at] = sum; }
    }
  }
}
