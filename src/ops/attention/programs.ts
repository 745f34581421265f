/**
 * Runs the programs of fused attention: chooses between the family for CPU drivers (rows.ts) and the
 * one for GPUs (tiles.ts), which take the same bindings, and sizes them. What they compute is in
 * segment_attention.ts.
 */

import { currentDevice } from "../../tensor/device.ts";
import { laneShape } from "../../tensor/lanes.ts";
import { type Binding, floatBits, type OutputSpec, runProgram } from "../../tensor/program.ts";
import { fitsTexels, type TexelView } from "../../tensor/texels.ts";
import type { tf } from "../../tensor/tf.ts";
import type { AttentionFeatures } from "./bindings.ts";
import {
  forwardByRows,
  keyGradientsByRows,
  queryGradientByRows,
  ROW_LANES,
  type RowsShape,
} from "./rows.ts";
import { type AttentionSettings, scoreScale } from "./settings.ts";
import statisticsCode from "./statistics.wgsl" with { type: "text" };
import {
  forwardByTiles,
  keyGradientsByTiles,
  queryGradientByTiles,
  type TilesShape,
} from "./tiles.ts";
import { loopExceeded } from "../errors.ts";
import { TILE_TOKENS } from "./segments.ts";

/** "rows" is right for CPU drivers, "tiles" for GPUs. Results differ in rounding alone. */
export type AttentionVariant = "rows" | "tiles";

/** The operands, [N, H, D] and [N, K, D], and the layout's ranges for the settings' window. */
export interface AttentionOperands {
  readonly q: tf.Tensor3D;
  readonly k: tf.Tensor3D;
  readonly v: tf.Tensor3D;
  readonly ranges: tf.Tensor;
  /** Tokens of the layout's longest span. */
  readonly longest: number;
  readonly settings: AttentionSettings;
}

/** The family for the current device. */
export function defaultVariant(): AttentionVariant {
  return currentDevice().adapter?.software ? "rows" : "tiles";
}

/** y [N, H, D] and logSums [N, H], the base-2 logarithms of the softmax's denominators. */
export function attend(
  operands: AttentionOperands,
  variant: AttentionVariant,
): { y: tf.Tensor3D; logSums: tf.Tensor2D } {
  const { q, k, v } = operands;
  const [N, H] = q.shape;
  const [y, logSums] = run(operands, variant, {
    name: "forward",
    label: "attention",
    byRows: forwardByRows,
    byTiles: forwardByTiles,
    held: 2,
    over: "queries",
    own: [q],
    looped: [k, v],
    outputs: [{ shape: q.shape }, { shape: [N, H] }],
  });
  return { y: y as tf.Tensor3D, logSums: logSums as tf.Tensor2D };
}

/** dQ, dK and dV; recomputes the probabilities from logSums. */
export function attendGradients(
  operands: AttentionOperands,
  { y, logSums, dY }: { y: tf.Tensor3D; logSums: tf.Tensor2D; dY: tf.Tensor3D },
  variant: AttentionVariant,
): [dQ: tf.Tensor, dK: tf.Tensor, dV: tf.Tensor] {
  const { q, k, v } = operands;
  const statistics = statisticsOf(y, dY, logSums);
  const [dQ] = run(operands, variant, {
    name: "query_gradient",
    label: "attention's query gradient",
    byRows: queryGradientByRows,
    byTiles: queryGradientByTiles,
    held: 3,
    over: "queries",
    own: [q, dY],
    looped: [k, v],
    statistics,
    outputs: [{ shape: q.shape }],
  });
  const [dK, dV] = run(operands, variant, {
    name: "key_gradients",
    label: "attention's key gradients",
    byRows: keyGradientsByRows,
    byTiles: keyGradientsByTiles,
    held: 4,
    over: "keys",
    own: [k, v],
    looped: [q, dY],
    statistics,
    outputs: [{ shape: k.shape }, { shape: v.shape }],
  });
  statistics.dispose();
  return [dQ!, dK!, dV!];
}

/** One of the three programs. */
interface Pass {
  readonly name: string;
  readonly label: string;
  readonly byRows: (shape: RowsShape) => string;
  readonly byTiles: (shape: TilesShape) => string;
  /** Rows of D values that a lane holds for each row it takes. */
  readonly held: number;
  /** What a lane's or a tile's rows are. */
  readonly over: "queries" | "keys";
  readonly own: readonly tf.Tensor3D[];
  readonly looped: readonly tf.Tensor3D[];
  readonly statistics?: tf.Tensor;
  readonly outputs: readonly OutputSpec[];
}

/** Values a lane holds at most, where it holds more than one row: past that, compiling takes long. */
const HELD_VALUES = 576;
const MOST_ROWS = 4;

/** Mesa's software driver leaves any shader after so many loop iterations, and what it computes. */
const MOST_ITERATIONS = 65535;

function run(operands: AttentionOperands, variant: AttentionVariant, pass: Pass): tf.Tensor[] {
  const [N, H, D] = operands.q.shape;
  const K = operands.k.shape[1];
  const { name, label, over, own, outputs } = pass;
  // A lane's rows may belong to two spans; its queries then go over the keys of both.
  const iterations = (over === "keys" ? H / K : 2) * (operands.longest + MOST_ROWS);
  if (iterations > MOST_ITERATIONS && currentDevice().adapter?.software) {
    throw loopExceeded(label, iterations, MOST_ITERATIONS);
  }
  const rows = Math.min(MOST_ROWS, Math.max(1, Math.floor(HELD_VALUES / (pass.held * D))));
  const views = pass.looped.map(rowsAsTexels);
  const texels = variant === "rows" && views.every(fitsTexels);
  const looped: readonly (Binding | TexelView)[] = texels ? views : pass.looped;
  const { softcap, window } = operands.settings;
  const features: AttentionFeatures = {
    capped: softcap !== undefined,
    windowed: window !== undefined,
  };
  const variety = `${features.capped ? "/capped" : ""}${features.windowed ? "/windowed" : ""}`;
  const scale = scoreScale(operands.settings, D);
  const tasks = (size: number) => Math.ceil(N / size) * (over === "keys" ? K : H);
  return runProgram({
    ...(variant === "rows"
      ? {
        key: `attention/${name}/rows/${D}/${rows}/${texels}${variety}`,
        code: () => pass.byRows({ headSize: D, rows, texels, ...features }),
        workgroups: Math.ceil(tasks(rows) / ROW_LANES),
      }
      : {
        key: `attention/${name}/tiles/${D}${variety}`,
        code: () => pass.byTiles({ headSize: D, ...features }),
        workgroups: tasks(TILE_TOKENS),
      }),
    label,
    constants: { heads: H, kvHeads: K },
    inputs: [
      ...own,
      ...looped,
      operands.ranges,
      ...(pass.statistics ? [pass.statistics] : []),
    ],
    outputs,
    uniforms: [N, Math.LOG2E * scale, scale, Math.LOG2E * (softcap ?? 1)].map(
      (word, i) => i === 0 ? word : floatBits(word),
    ),
  });
}

/** x [N, heads, D] as N rows of texels. */
function rowsAsTexels(x: tf.Tensor3D): TexelView {
  const [height, heads, D] = x.shape;
  return { texels: x, width: heads * D / 4, height, stride: heads * D };
}

/** [N, H, 2]: logSums, and y · dY, which the softmax's gradient subtracts. */
function statisticsOf(y: tf.Tensor3D, dY: tf.Tensor3D, logSums: tf.Tensor2D): tf.Tensor {
  const [N, H, D] = y.shape;
  const { lanes } = laneShape();
  return runProgram({
    key: "attention/statistics",
    code: statisticsCode,
    label: "attention's statistics",
    constants: { lanes },
    inputs: [y, dY, logSums],
    outputs: [{ shape: [N, H, 2] }],
    uniforms: [N * H, D / 4],
    workgroups: Math.ceil(N * H / lanes),
  })[0]!;
}
