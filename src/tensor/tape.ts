/**
 * Records a computation and gives its gradient later: tfjs's tape, kept in pieces of our own, so
 * that a model's blocks are differentiated one after the other. What a step of the backward pass
 * has used is freed before the next; tfjs's own `grads` keeps all of it to the end.
 *
 * Touches private parts of tfjs's engine (4.22, pinned), as webgpu_internals.ts does.
 *
 * Invariant: between `record` and the end of `backward` the recording owns what its operations
 * saved; it is run back once or disposed, never both.
 */

import { tf } from "./tf.ts";

/** An operation on the tape, as tfjs's engine keeps it. */
interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly outputs: readonly tf.Tensor[];
  readonly saved?: readonly tf.Tensor[];
  readonly gradient?: (dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;
}

interface EngineInternals {
  readonly state: { activeTape: TapeNode[] | null; gradientDepth: number };
  startTape(): void;
  endTape(): void;
}

/** A computation that was run and can be run back. */
export class Recording<Y extends tf.Tensor = tf.Tensor> {
  /** The result; the caller owns it. */
  readonly y: Y;
  #nodes: TapeNode[];
  readonly #id: number;

  private constructor(y: Y, nodes: TapeNode[]) {
    this.y = y;
    this.#id = y.id;
    this.#nodes = nodes;
  }

  /**
   * Runs `f` and records its operations. Other tensors than the result that are to outlive it must
   * be kept (tf.keep). Recordings do not nest.
   */
  static of<Y extends tf.Tensor>(f: () => Y): Recording<Y> {
    const engine = tf.engine() as unknown as EngineInternals;
    if (engine.state.gradientDepth > 0) throw new Error("Cannot record inside a recording");
    engine.startTape();
    const nodes = engine.state.activeTape!;
    try {
      return new Recording(tf.tidy(f), nodes);
    } catch (error) {
      for (const { saved } of nodes) tf.dispose([...saved ?? []]);
      throw error;
    } finally {
      engine.endTape();
      engine.state.activeTape = null;
    }
  }

  /**
   * Gives the gradient at each of `xs` of the sum of dY ⊙ y; undefined where y does not depend on
   * it. The caller owns the gradients, and still dY.
   *
   * @param dY Shaped as y; absent: ones.
   */
  backward(xs: readonly tf.Tensor[], dY?: tf.Tensor): (tf.Tensor | undefined)[] {
    const gradients = new Map<number, tf.Tensor>();
    const wanted = new Set(xs.map((x) => x.id));
    const nodes = this.#take(wanted);
    gradients.set(this.#id, dY ? tf.clone(dY) : tf.ones(this.y.shape));
    try {
      for (const { node, inputs } of nodes) {
        stepBack(node, inputs, gradients, wanted);
        tf.dispose([...node.saved ?? []]);
      }
    } catch (error) {
      for (const { node } of nodes) tf.dispose([...node.saved ?? []]);
      tf.dispose([...gradients.values()]);
      throw error;
    }
    const results = xs.map((x) => gradients.get(x.id));
    for (const [id, gradient] of gradients) if (!wanted.has(id)) gradient.dispose();
    return results;
  }

  /** Frees what was saved, without running back. Not the result. */
  dispose(): void {
    for (const { saved } of this.#nodes) tf.dispose([...saved ?? []]);
    this.#nodes = [];
  }

  /** The nodes between `wanted` and the result, the last first; what the others saved is freed. */
  #take(wanted: ReadonlySet<number>): { node: TapeNode; inputs: string[] }[] {
    const fromX = new Set(wanted);
    const reached = this.#nodes.map((node) => {
      const inputs = Object.keys(node.inputs).filter((name) => fromX.has(node.inputs[name]!.id));
      if (inputs.length > 0) { for (const { id } of node.outputs) fromX.add(id); }
      return { node, inputs };
    });
    const toY = new Set([this.#id]);
    const needed = reached.reverse().filter(({ node, inputs }) => {
      const leads = inputs.length > 0 && node.outputs.some(({ id }) => toY.has(id));
      if (leads) { for (const name of inputs) toY.add(node.inputs[name]!.id); }
      else tf.dispose([...node.saved ?? []]);
      return leads;
    });
    this.#nodes = [];
    return needed;
  }
}

/** Takes a node's gradients at its outputs out of the map, and adds those at its inputs. */
function stepBack(
  node: TapeNode,
  inputs: readonly string[],
  gradients: Map<number, tf.Tensor>,
  wanted: ReadonlySet<number>,
): void {
  if (!node.gradient) throw new Error(`Cannot differentiate "${node.kernelName}": no gradient`);
  const dYs = node.outputs.map(({ id }) => gradients.get(id) ?? null);
  const found = tf.tidy(() => {
    const byInput = node.gradient!(dYs);
    const seen = new Set(dYs.map((dY) => dY?.id));
    return inputs.map((name) => {
      const dX = tf.tidy(() => byInput[name]!());
      // Handed through, as by an addition: each holder disposes a tensor of its own.
      const own = seen.has(dX.id) ? tf.clone(dX) : dX;
      seen.add(own.id);
      return own;
    });
  });
  for (const { id } of node.outputs) {
    if (wanted.has(id)) continue;
    gradients.get(id)?.dispose();
    gradients.delete(id);
  }
  found.forEach((dX, i) => {
    const { id } = node.inputs[inputs[i]!]!;
    const before = gradients.get(id);
    gradients.set(id, before ? tf.add(before, dX) : dX);
    if (before) tf.dispose([before, dX]);
  });
}
