/**
 * The attention programs for GPUs, as WGSL text: a workgroup of 8 x 8 lanes takes a tile of 32 rows
 * of one head and goes over tiles of 32 others. Vectors pass through shared memory, 8 of a row at a
 * time; a lane makes 4 x 4 scores and holds the results of its 4 rows, every 8th vector, in
 * registers. 15 KiB of shared memory. What each program computes is in segment_attention.ts.
 *
 * Lane (across, down) has the rows 4 down + 0..3 of its tile and the others across + 0, 8, 16, 24,
 * so that `weights[row][across]` holds the four weights of these, in this order.
 */

import {
  type AttentionBinding,
  type AttentionFeatures,
  bindings,
  CapText,
  headsOf,
} from "./bindings.ts";
import { TILE_TOKENS } from "./segments.ts";

/** What the text of the programs depends on. */
export interface TilesShape extends AttentionFeatures {
  /** Size of a head, a multiple of 4. */
  readonly headSize: number;
}

/** q; k, v; ranges -> y, logSums. Rows are queries, others are keys. */
export function forwardByTiles(shape: TilesShape): string {
  const text = new TileText(shape);
  const { cap } = text;
  return `${bindings(["q", "k", "v", "ranges", "y", "logSums"])}
${text.reads("q", "k", "v")}
${text.begin("heads", "count - 1 - number")}
  let kvHead = head / (heads / kvHeads);
${
    each(ROWS, (r) => `
  let range${r} = ranges[row${r}];
  var top${r} = -1e30;
  var sum${r} = 0.0;
  ${text.results((v) => `var y${r}_${v} = vec4<f32>();`)}`)
  }
${
    text.overKeyTiles(`
    ${text.product("score", "q", "head", "k", "kvHead")}
    ${
      each(ROWS, (r) => `
    let sees${r} = seesKeys(range${r}, i32(row${r}), keys);
    let exponent${r} = select(vec4<f32>(-1e30), ${cap.of(`score${r} * params.scale`)}, sees${r});
    gathered[(4 * down + ${r}) * 8 + across] = greatest(exponent${r});`)
    }
    workgroupBarrier();
    ${
      each(ROWS, (r) => `
    var newTop${r} = top${r};
    for (var n = 0u; n < 8; n++) {
      newTop${r} = max(newTop${r}, gathered[(4 * down + ${r}) * 8 + n]);
    }
    let kept${r} = exp2(top${r} - newTop${r});
    top${r} = newTop${r};
    let p${r} = select(vec4<f32>(), exp2(exponent${r} - newTop${r}), sees${r});
    sum${r} = sum${r} * kept${r} + total(p${r});
    weights[(4 * down + ${r}) * PITCH + across] = p${r};
    ${text.results((v) => `y${r}_${v} *= kept${r};`)}`)
    }
    ${text.accumulate("y", "v", "kvHead")}`)
  }
  workgroupBarrier();
  ${each(ROWS, (r) => `gathered[(4 * down + ${r}) * 8 + across] = sum${r};`)}
  workgroupBarrier();
${
    each(ROWS, (r) => `
  var whole${r} = 0.0;
  for (var n = 0u; n < 8; n++) { whole${r} += gathered[(4 * down + ${r}) * 8 + n]; }
  if (first + 4 * down + ${r} < params.tokens) {
    if (across == 0) { logSums[row${r} * heads + head] = top${r} + log2Of(whole${r}); }
    ${text.store("y", "heads", r, `/ whole${r}`)}
  }`)
  }
}`;
}

/** q, dY; k, v; ranges, statistics -> dQ. Rows are queries, others are keys. */
export function queryGradientByTiles(shape: TilesShape): string {
  const text = new TileText(shape);
  const { cap } = text;
  return `${bindings(["q", "dY", "k", "v", "ranges", "statistics", "dQ"])}
${text.reads("q", "dY", "k", "v")}
${text.begin("heads", "count - 1 - number")}
  let kvHead = head / (heads / kvHeads);
${
    each(ROWS, (r) => `
  let range${r} = ranges[row${r}];
  let stat${r} = statistics[row${r} * heads + head];
  ${text.results((v) => `var dQ${r}_${v} = vec4<f32>();`)}`)
  }
${
    text.overKeyTiles(`
    ${text.product("score", "q", "head", "k", "kvHead")}
    ${text.product("dP", "dY", "head", "v", "kvHead")}
    ${
      each(ROWS, (r) => `
    let sees${r} = seesKeys(range${r}, i32(row${r}), keys);
    let exponent${r} = ${cap.of(`score${r} * params.scale`)};
    let p${r} = select(vec4<f32>(), exp2(exponent${r} - stat${r}.x), sees${r});
    weights[(4 * down + ${r}) * PITCH + across] =
      p${r} * (dP${r} - stat${r}.y)${cap.slope(`exponent${r}`)};`)
    }
    ${text.accumulate("dQ", "k", "kvHead")}`)
  }
${
    each(ROWS, (r) => `
  if (first + 4 * down + ${r} < params.tokens) {
    ${text.store("dQ", "heads", r, "* params.rootScale")}
  }`)
  }
}`;
}

/** k, v; q, dY; ranges, statistics -> dK, dV. Rows are keys, others are queries. */
export function keyGradientsByTiles(shape: TilesShape): string {
  const text = new TileText(shape);
  const { cap } = text;
  return `${bindings(["k", "v", "q", "dY", "ranges", "statistics", "dK", "dV"])}
${text.reads("k", "v", "q", "dY")}
${text.begin("kvHeads", "number")}
${
    each(ROWS, (r) => `
  let end${r} = ranges[row${r}].w;
  ${text.results((v) => `var dK${r}_${v} = vec4<f32>(); var dV${r}_${v} = vec4<f32>();`)}`)
  }
  let group = heads / kvHeads;
  let end = u32(ranges[params.tokens + first / TILE].w);
  for (var queryHead = head * group; queryHead < (head + 1) * group; queryHead++) {
    for (var other = first; other < end; other += TILE) {
      let queries = vec4<i32>(i32(other + across)) + vec4<i32>(0, 8, 16, 24);
      ${
    each(4, (c) =>
      `let stat${c} =
        statistics[min(u32(queries[${c}]), params.tokens - 1) * heads + queryHead];`)
  }
      let logSum = vec4<f32>(${list(4, (c) => `stat${c}.x`)});
      let along = vec4<f32>(${list(4, (c) => `stat${c}.y`)});
      ${text.reach()}
      ${text.product("score", "k", "head", "q", "queryHead")}
      ${text.product("dP", "v", "head", "dY", "queryHead")}
      ${
    each(ROWS, (r) => `
      let seen${r} = ${text.isSeen(r)};
      let exponent${r} = ${cap.of(`score${r} * params.scale`)};
      let p${r} = select(vec4<f32>(), exp2(exponent${r} - logSum), seen${r});
      weights[(4 * down + ${r}) * PITCH + across] = p${r};`)
  }
      ${text.accumulate("dV", "dY", "queryHead")}
      workgroupBarrier();
      ${
    each(ROWS, (r) => `
      weights[(4 * down + ${r}) * PITCH + across] =
        p${r} * (dP${r} - along)${cap.slope(`exponent${r}`)};`)
  }
      ${text.accumulate("dK", "q", "queryHead")}
    }
  }
${
    each(ROWS, (r) => `
  if (first + 4 * down + ${r} < params.tokens) {
    ${text.store("dK", "kvHeads", r, "* params.rootScale")}
    ${text.store("dV", "kvHeads", r, "")}
  }`)
  }
}`;
}

/** Rows of a lane. */
const ROWS = 4;
const LANES = 64;
/** Vectors of a row that shared memory holds at a time, and lanes across. */
const CHUNK = 8;

const SHARED = `
const TILE = ${TILE_TOKENS}u;
// A vector more than a chunk, against bank conflicts.
const PITCH = ${CHUNK + 1}u;
var<workgroup> left: array<vec4<f32>, TILE * PITCH>;
var<workgroup> right: array<vec4<f32>, TILE * PITCH>;
var<workgroup> weights: array<vec4<f32>, TILE * PITCH>;
var<workgroup> gathered: array<f32, TILE * 8>;

fn total(x: vec4<f32>) -> f32 { return (x.x + x.y) + (x.z + x.w); }
fn greatest(x: vec4<f32>) -> f32 { return max(max(x.x, x.y), max(x.z, x.w)); }
fn seesKeys(range: vec4<i32>, query: i32, keys: vec4<i32>) -> vec4<bool> {
  return ((keys >= vec4<i32>(range.x)) & (keys < vec4<i32>(range.y))) |
    ((keys >= vec4<i32>(range.z)) & (keys <= vec4<i32>(query)));
}`;

function each(count: number, statement: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => statement(index)).join("\n");
}

function list(count: number, value: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => value(index)).join(", ");
}

/** Pieces of the programs for one size of head. */
class TileText {
  /** Vectors of a row. */
  readonly #length: number;
  readonly #chunks: number;
  readonly #windowed: boolean;
  readonly cap: CapText;

  constructor(shape: TilesShape) {
    this.#length = shape.headSize / 4;
    this.#chunks = Math.ceil(this.#length / CHUNK);
    this.#windowed = shape.windowed;
    this.cap = new CapText("vec4<f32>", shape);
  }

  /** Functions that read a vector of each tensor, zero beyond its ends. */
  reads(...names: AttentionBinding[]): string {
    return SHARED + this.cap.functions + names.map((name) => `
fn read_${name}(row: u32, head: u32, vector: u32) -> vec4<f32> {
  if (row >= params.tokens || vector >= ${this.#length}) { return vec4<f32>(); }
  return ${name}[(row * ${headsOf(name)} + head) * ${this.#length} + vector];
}`).join("");
  }

  /** A statement for each vector of a row that a lane holds of a result. */
  results(statement: (vector: number) => string): string {
    return each(this.#chunks, statement);
  }

  /** Opens `main`: `head`, `first` of the tile, row0 to row3 of the lane within the stream. */
  begin(heads: string, task: string): string {
    return `
@compute @workgroup_size(${LANES})
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = workgroup.x + workgroup.y * workgroups.x;
  let count = (params.tokens + TILE - 1) / TILE * ${heads};
  if (number >= count) { return; }
  let task = ${task};
  let head = task % ${heads};
  let first = task / ${heads} * TILE;
  let across = lane % 8;
  let down = lane / 8;
  ${each(ROWS, (r) => `let row${r} = min(first + 4 * down + ${r}, params.tokens - 1);`)}`;
  }

  /** Where windowed, the ranges of the lane's four queries as vectors of starts and ends. */
  reach(): string {
    if (!this.#windowed) return "";
    return `
      ${each(4, (c) => `let reach${c} = ranges[min(u32(queries[${c}]), params.tokens - 1)];`)}
      let promptStarts = vec4<i32>(${list(4, (c) => `reach${c}.x`)});
      let promptEnds = vec4<i32>(${list(4, (c) => `reach${c}.y`)});
      let ownStarts = vec4<i32>(${list(4, (c) => `reach${c}.z`)});`;
  }

  /** Which of the lane's four queries see its key. */
  isSeen(r: number): string {
    const row = `vec4<i32>(i32(row${r}))`;
    const inside = `(queries >= ${row}) & (queries < vec4<i32>(end${r}))`;
    if (!this.#windowed) return inside;
    return `${inside} & (((${row} >= promptStarts) & (${row} < promptEnds)) |
        (${row} >= ownStarts))`;
  }

  /** A loop in which the TILE keys from `other` on are some that the tile's queries see. */
  overKeyTiles(body: string): string {
    return `
  let run = ranges[params.tokens + first / TILE];
  let end = i32(min(first + TILE, params.tokens));
  var j = min(run.x, run.z);
  while (j < end) {
    let other = u32(j);
    let keys = vec4<i32>(j + i32(across)) + vec4<i32>(0, 8, 16, 24);
${body}
    j += i32(TILE);
    if (j >= run.y && j < run.z) { j = run.z; }
  }`;
  }

  /** name0..3 = the products of the lane's rows of `rows` and its 4 of `others`. */
  product(
    name: string,
    rows: AttentionBinding,
    rowHead: string,
    others: AttentionBinding,
    otherHead: string,
  ): string {
    return `
    ${each(ROWS, (r) => `var ${name}${r} = vec4<f32>();`)}
    for (var chunk = 0u; chunk < ${this.#chunks}; chunk++) {
      workgroupBarrier();
      for (var n = lane; n < TILE * ${CHUNK}; n += ${LANES}) {
        let at = n / ${CHUNK} * PITCH + n % ${CHUNK};
        let vector = chunk * ${CHUNK} + n % ${CHUNK};
        left[at] = read_${rows}(first + n / ${CHUNK}, ${rowHead}, vector);
        right[at] = read_${others}(other + n / ${CHUNK}, ${otherHead}, vector);
      }
      workgroupBarrier();
      for (var d = 0u; d < ${CHUNK}; d++) {
        ${each(4, (c) => `let b${c} = right[(across + ${8 * c}) * PITCH + d];`)}
        ${
      each(ROWS, (r) => `
        let a${r} = left[(4 * down + ${r}) * PITCH + d];
        ${name}${r} += vec4<f32>(${list(4, (c) => `dot(a${r}, b${c})`)});`)
    }
      }
    }`;
  }

  /** Adds `weights` times the tile of `others` to the results `name`. */
  accumulate(name: string, others: AttentionBinding, otherHead: string): string {
    return this.results((v) => `
    workgroupBarrier();
    for (var n = lane; n < TILE * ${CHUNK}; n += ${LANES}) {
      right[n / ${CHUNK} * PITCH + n % ${CHUNK}] =
        read_${others}(other + n / ${CHUNK}, ${otherHead}, ${v * CHUNK} + n % ${CHUNK});
    }
    workgroupBarrier();
    for (var n = 0u; n < ${CHUNK}; n++) {
      ${each(4, (c) => `let b${c} = right[(n + ${8 * c}) * PITCH + across];`)}
      ${
      each(ROWS, (r) => `
      let w${r} = weights[(4 * down + ${r}) * PITCH + n];
      ${name}${r}_${v} += w${r}.x * b0 + w${r}.y * b1 + w${r}.z * b2 + w${r}.w * b3;`)
    }
    }`);
  }

  /** Writes a row of a result, each vector followed by `scaling`. */
  store(name: string, heads: string, row: number, scaling: string): string {
    return this.results((v) => `
    if (${v * CHUNK} + across < ${this.#length}) {
      ${name}[(row${row} * ${heads} + head) * ${this.#length} + ${v * CHUNK} + across] =
        ${name}${row}_${v} ${scaling};
    }`);
  }
}
