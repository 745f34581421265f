// A lane a column of a block of rows: sums[block] = Σ_n term over the block's rows. Inputs, `sums`,
// `params` and `term(i, row)`, of element i in a row, are put before this text (column_sum.ts).

override lanes: u32;
override block: u32;

struct Params {
  rows: u32,
  // Vectors of a row.
  length: u32,
}

@compute @workgroup_size(lanes)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let column = group.x * lanes + lane;
  if (column >= params.length) { return; }
  let first = group.y * block;
  let end = min(first + block, params.rows);
  var sum = V(0);
  for (var row = first; row < end; row++) { sum += term(row * params.length + column, row); }
  sums[group.y * params.length + column] = sum;
}
