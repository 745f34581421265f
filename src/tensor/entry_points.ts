/**
 * Where programs begin that treat all elements alike, or all rows: WGSL to stand before their own.
 * Workgroups are numbered as `foldWorkgroups` (program.ts) spreads them.
 */

const NUMBERED = `
override lanes: u32;
struct Numbers {
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
}
fn workgroup_number(at: Numbers) -> u32 { return at.group.x + at.group.y * at.groups.x; }
`;

/**
 * A lane some elements: calls `each(i)` for i below `params.count`. Constants: `lanes`, `perLane`;
 * a workgroup does lanes * perLane elements.
 */
export const EACH_ELEMENT = `${NUMBERED}
override perLane: u32;
@compute @workgroup_size(lanes)
fn main(at: Numbers) {
  let start = workgroup_number(at) * lanes * perLane;
  let end = min(start + lanes * perLane, params.count);
  for (var i = start + at.lane; i < end; i += lanes) { each(i); }
}
`;

/** A workgroup a row: calls `each_row(row, lane)` for rows below `params.rows`. Constant: `lanes`. */
export const EACH_ROW = `${NUMBERED}
@compute @workgroup_size(lanes)
fn main(at: Numbers) {
  let row = workgroup_number(at);
  if (row >= params.rows) { return; }
  each_row(row, at.lane);
}
`;
