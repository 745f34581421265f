/**
 * The attention programs for drivers that compute on a CPU, as WGSL text: a lane takes a few rows
 * of one head and holds them, and what it makes of them, in registers, so the code is unrolled for
 * the size of a head. No shared memory and no barriers, which are dear there.
 *
 * Neighbouring lanes take neighbouring heads of the same rows, so that their loops end together.
 * The rows looped over are read as texels where they can be (src/tensor/texels.ts): one load of
 * four values for every row held. What each program computes is in segment_attention.ts.
 */

import {
  type AttentionBinding,
  type AttentionFeatures,
  bindings,
  CapText,
  headsOf,
} from "./bindings.ts";

/** What the text of the programs depends on. */
export interface RowsShape extends AttentionFeatures {
  /** Size of a head, a multiple of 4. */
  readonly headSize: number;
  /** Rows a lane takes. */
  readonly rows: number;
  /** Whether the rows looped over are read as texels, or from storage buffers. */
  readonly texels: boolean;
}

/** Lanes of a workgroup: one SIMD register's. */
export const ROW_LANES = 8;

/** q; k, v; ranges -> y, logSums. A lane's rows are queries, its loop goes over keys. */
export function forwardByRows(shape: RowsShape): string {
  const text = new RowText(shape);
  const { vectors, rows, cap } = text;
  return `${bindings(["q", "k", "v", "ranges", "y", "logSums"], text.texels("k", "v"))}
${cap.functions}
${text.begin("heads")}
  let kvHead = head / (heads / kvHeads);
${
    rows((r) => `
  let at${r} = (row${r} * heads + head) * ${text.length};
  ${vectors((d) => `let q${r}_${d} = q[at${r} + ${d}] * params.scale;`)}
  ${vectors((d) => `var y${r}_${d} = vec4<f32>();`)}
  var top${r} = -1e30;
  var sum${r} = 0.0;`)
  }
${
    text.overKeys(`
    ${vectors((d) => `let k_${d} = ${text.load("k", "kvHead", d)};`)}
    ${
      rows((r) => `
    let sees${r} = ${SEES_KEY(r)};
    let score${r} = select(-1e30, ${cap.of(text.dot(`q${r}`, "k"))}, sees${r});
    let newTop${r} = max(top${r}, score${r});
    let kept${r} = exp2(top${r} - newTop${r});
    top${r} = newTop${r};
    let p${r} = select(0.0, exp2(score${r} - newTop${r}), sees${r});
    sum${r} = sum${r} * kept${r} + p${r};`)
    }
    ${
      vectors((d) =>
        `let v_${d} = ${text.load("v", "kvHead", d)};
    ${rows((r) => `y${r}_${d} = y${r}_${d} * kept${r} + p${r} * v_${d};`)}`
      )
    }`)
  }
${
    text.forOwnRows((r) => `
    logSums[row${r} * heads + head] = top${r} + log2Of(sum${r});
    ${vectors((d) => `y[at${r} + ${d}] = y${r}_${d} / sum${r};`)}`)
  }
}`;
}

/** q, dY; k, v; ranges, statistics -> dQ. A lane's rows are queries, its loop goes over keys. */
export function queryGradientByRows(shape: RowsShape): string {
  const text = new RowText(shape);
  const { vectors, rows, cap } = text;
  return `${
    bindings(
      ["q", "dY", "k", "v", "ranges", "statistics", "dQ"],
      text.texels("k", "v"),
    )
  }
${cap.functions}
${text.begin("heads")}
  let kvHead = head / (heads / kvHeads);
${
    rows((r) => `
  let at${r} = (row${r} * heads + head) * ${text.length};
  let stat${r} = statistics[row${r} * heads + head];
  ${vectors((d) => `let q${r}_${d} = q[at${r} + ${d}] * params.scale;`)}
  ${vectors((d) => `let dY${r}_${d} = dY[at${r} + ${d}];`)}
  ${vectors((d) => `var dQ${r}_${d} = vec4<f32>();`)}`)
  }
${
    text.overKeys(`
    ${vectors((d) => `let v_${d} = ${text.load("v", "kvHead", d)};`)}
    ${rows((r) => `let dP${r} = ${text.dot(`dY${r}`, "v")};`)}
    ${vectors((d) => `let k_${d} = ${text.load("k", "kvHead", d)};`)}
    ${
      rows((r) => `
    let score${r} = ${cap.of(text.dot(`q${r}`, "k"))};
    let p${r} = select(0.0, exp2(score${r} - stat${r}.x), ${SEES_KEY(r)});
    let dS${r} = p${r} * (dP${r} - stat${r}.y)${cap.slope(`score${r}`)};
    ${vectors((d) => `dQ${r}_${d} += dS${r} * k_${d};`)}`)
    }`)
  }
${text.forOwnRows((r) => vectors((d) => `dQ[at${r} + ${d}] = dQ${r}_${d} * params.rootScale;`))}
}`;
}

/**
 * k, v; q, dY; ranges, statistics -> dK, dV. A lane's rows are keys, its loop goes over the queries
 * of every head that shares them.
 */
export function keyGradientsByRows(shape: RowsShape): string {
  const text = new RowText(shape);
  const { vectors, rows, cap } = text;
  return `${
    bindings(
      ["k", "v", "q", "dY", "ranges", "statistics", "dK", "dV"],
      text.texels("q", "dY"),
    )
  }
${cap.functions}
${text.begin("kvHeads")}
  var end = 0u;
${
    rows((r) => `
  let at${r} = (row${r} * kvHeads + head) * ${text.length};
  let end${r} = u32(ranges[row${r}].w);
  end = max(end, end${r});
  ${vectors((d) => `let k${r}_${d} = k[at${r} + ${d}] * params.scale;`)}
  ${vectors((d) => `let v${r}_${d} = v[at${r} + ${d}];`)}
  ${vectors((d) => `var dK${r}_${d} = vec4<f32>();`)}
  ${vectors((d) => `var dV${r}_${d} = vec4<f32>();`)}`)
  }
  let group = heads / kvHeads;
  for (var queryHead = head * group; queryHead < (head + 1) * group; queryHead++) {
    for (var other = row0; other < end; other++) {
      let stat = statistics[other * heads + queryHead];
      ${text.windowed ? "let reach = ranges[other];" : ""}
      ${vectors((d) => `let q_${d} = ${text.load("q", "queryHead", d)};`)}
      ${
    rows((r) => `
      let score${r} = ${cap.of(text.dot(`k${r}`, "q"))};
      let p${r} = select(0.0, exp2(score${r} - stat.x), ${text.isSeen(r)});`)
  }
      ${vectors((d) => `let dY_${d} = ${text.load("dY", "queryHead", d)};`)}
      ${
    rows((r) => `
      let dS${r} = p${r} * (${text.dot(`v${r}`, "dY")} - stat.y)${cap.slope(`score${r}`)};
      ${vectors((d) => `dV${r}_${d} += p${r} * dY_${d}; dK${r}_${d} += dS${r} * q_${d};`)}`)
  }
    }
  }
${
    text.forOwnRows((r) => `
    ${vectors((d) => `dK[at${r} + ${d}] = dK${r}_${d} * params.rootScale;`)}
    ${vectors((d) => `dV[at${r} + ${d}] = dV${r}_${d};`)}`)
  }
}`;
}

const SEES_KEY = (r: number): string =>
  `(j >= range${r}.x && j < range${r}.y) || (j >= range${r}.z && j <= i32(row${r}))`;

/** Pieces of the programs of one shape. */
class RowText {
  readonly #shape: RowsShape;
  readonly cap: CapText;

  constructor(shape: RowsShape) {
    this.#shape = shape;
    this.cap = new CapText("f32", shape);
  }

  get windowed(): boolean {
    return this.#shape.windowed;
  }

  /** Vectors of a row. */
  get length(): number {
    return this.#shape.headSize / 4;
  }

  /** Those of the bindings looped over that are read as texels. */
  texels(...looped: AttentionBinding[]): AttentionBinding[] {
    return this.#shape.texels ? looped : [];
  }

  /** A statement for each row that the lane holds. */
  readonly rows = (statement: (row: number) => string): string =>
    Array.from({ length: this.#shape.rows }, (_, row) => statement(row)).join("\n");

  /** A statement for each vector of a row. */
  readonly vectors = (statement: (vector: number) => string): string =>
    Array.from({ length: this.length }, (_, vector) => statement(vector)).join("\n");

  /** A vector of row `other` of what is looped over. */
  load(name: AttentionBinding, head: string, vector: number): string {
    const column = `${head} * ${this.length} + ${vector}`;
    if (this.#shape.texels) return `textureLoad(${name}, vec2<u32>(${column}, other))`;
    return `${name}[other * ${headsOf(name)} * ${this.length} + ${column}]`;
  }

  dot(held: string, other: string): string {
    return Array.from({ length: this.length }, (_, d) => `dot(${held}_${d}, ${other}_${d})`)
      .join(" + ");
  }

  /** Whether the query `other`, `reach` its ranges where windowed, sees the lane's key. */
  isSeen(r: number): string {
    if (!this.windowed) return `other >= row${r} && other < end${r}`;
    const key = `i32(row${r})`;
    return `(${key} >= reach.x && ${key} < reach.y) || (${key} >= reach.z && row${r} <= other)`;
  }

  /** Opens `main`: `head`, and row0, row1, .. of the lane, the last repeated beyond the end. */
  begin(heads: string): string {
    const { rows } = this.#shape;
    return `
@compute @workgroup_size(${ROW_LANES})
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let number = workgroup.x + workgroup.y * workgroups.x;
  let blocks = (params.tokens + ${rows - 1}) / ${rows};
  let count = (blocks * ${heads} + ${ROW_LANES - 1}) / ${ROW_LANES};
  if (number >= count) { return; }
  // First, last, second, last but one: a CPU driver gives each of its threads a run of workgroups,
  // and what a row costs grows along a sequence.
  let folded = select(number / 2, count - 1 - number / 2, number % 2 == 1);
  let task = folded * ${ROW_LANES} + lane;
  if (task >= blocks * ${heads}) { return; }
  let head = task % ${heads};
  let first = task / ${heads} * ${rows};
  ${this.rows((r) => `let row${r} = min(first + ${r}, params.tokens - 1);`)}`;
  }

  /** A loop in which `j` and `other` are each key that one of the lane's queries sees. */
  overKeys(body: string): string {
    return `
  // Two runs of keys: prompts, then the rows' own segments.
  var promptStart = i32(params.tokens);
  var promptEnd = 0;
  var ownStart = i32(params.tokens);
${
      this.rows((r) => `
  let range${r} = ranges[row${r}];
  if (range${r}.x < range${r}.y) {
    promptStart = min(promptStart, range${r}.x);
    promptEnd = max(promptEnd, range${r}.y);
  }
  ownStart = min(ownStart, range${r}.z);`)
    }
  let end = i32(row${this.#shape.rows - 1});
  var j = min(promptStart, ownStart);
  while (j <= end) {
    let other = u32(j);
${body}
    j++;
    if (j >= promptEnd && j < ownStart) { j = ownStart; }
  }`;
  }

  /** Statements for each of the lane's rows that is not a repetition. */
  forOwnRows(statements: (row: number) => string): string {
    return this.rows((r) => `
  if (first + ${r} < params.tokens) {
    ${statements(r)}
  }`);
  }
}
