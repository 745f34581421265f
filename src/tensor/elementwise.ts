/**
 * Runs a program that treats every element alike on tensors of one size, of any size: what
 * outgrows a binding is done range by range.
 *
 * The code is in terms of `V` (src/tensor/lanes.ts). Its bindings: inputs, then `scalars`, then
 * inPlace, then outputs, then uniforms, of which the first is the number of vectors:
 *
 *     struct Params { count: u32 }
 *     fn each(i: u32) { y[i] += x[i]; }
 */

import { EACH_ELEMENT } from "./entry_points.ts";
import { laneShape, vectorSource, vectorWidth } from "./lanes.ts";
import { type Binding, runProgram } from "./program.ts";
import { rowRanges } from "./ranges.ts";
import type { tf } from "./tf.ts";

/** One run of an elementwise program. */
export interface ElementwiseProgram {
  /** Names the code. */
  readonly key: string;
  /** WGSL, without what `vectorSource` and `EACH_ELEMENT` add. */
  readonly code: string;
  /** Says what is computed, in errors and profiles. */
  readonly label: string;
  /** Read, element by element. */
  readonly inputs?: readonly tf.Tensor[];
  /** Read whole by every lane. */
  readonly scalars?: readonly tf.Tensor[];
  /** Read and written; at least one of these or of the inputs. */
  readonly inPlace?: readonly tf.Tensor[];
  /** New tensors to make, of the first tensor's shape. Default 0; they must fit a binding. */
  readonly outputs?: number;
  /** Words after the number of vectors. */
  readonly uniforms?: readonly number[];
}

/**
 * Encodes the program and gives the new tensors.
 *
 * @throws {OddsmithError} as `runProgram`.
 */
export function runElementwise(program: ElementwiseProgram): tf.Tensor[] {
  const { key, code, label, inputs = [], scalars = [], inPlace = [], uniforms = [] } = program;
  const { size, shape } = [...inputs, ...inPlace][0]!;
  const outputs = Array.from({ length: program.outputs ?? 0 }, () => ({ shape }));
  const { lanes, perLane } = laneShape();
  const width = vectorWidth(size);
  const source = vectorSource(key, EACH_ELEMENT + code, width);
  const ranges = outputs.length > 0 ? [{ start: 0, count: size }] : rowRanges(size, 1);
  let created: tf.Tensor[] = [];
  for (const { start, count } of ranges) {
    const part = (tensor: tf.Tensor): Binding => ({ tensor, start, length: count });
    created = runProgram({
      ...source,
      label,
      constants: { lanes, perLane },
      inputs: [...inputs.map(part), ...scalars],
      inPlace: inPlace.map(part),
      outputs,
      uniforms: [count / width, ...uniforms],
      workgroups: Math.ceil(count / width / (lanes * perLane)),
    });
  }
  return created;
}
