/**
 * Forward and backward of a micro-batch, block by block (activation checkpointing by layer: Chen et
 * al. 2016). The first `recomputedLayers` blocks keep their input alone and are computed again when
 * the backward pass reaches them; the others keep what their operations saved, until it has used
 * it. How many are recomputed changes memory and time, not one bit of the result.
 *
 * Invariant: nothing is read back, and where anything throws nothing is left on the device.
 */

import type { CausalLM, ForwardPass, TrainingPass } from "../models/model.ts";
import type { HeadWeights } from "../ops/head/head.ts";
import { Recording } from "../tensor/tape.ts";
import { tf } from "../tensor/tf.ts";
import type { GradientSum } from "./gradient_sum.ts";
import type { PairBatch } from "./batch.ts";

/** How a micro-batch is run back. */
export interface BackwardOptions {
  /** Blocks computed twice, from the first on; more than there are: all. Default 0. */
  readonly recomputedLayers?: number;
  /** Which pass of a training it is; absent: nothing is dropped. */
  readonly pass?: TrainingPass;
  /** Told once the forward pass is done, when a backend that keeps no peak holds most. */
  readonly afterForward?: () => void;
}

/**
 * Adds the gradient of `lossOf` to `sum`, by the names of the model's trainable weights.
 *
 * @param lossOf The loss, a scalar, of the hidden states after the last norm, [N, C], and the head.
 */
export function addGradients(
  model: CausalLM,
  batch: PairBatch,
  lossOf: (hidden: tf.Tensor2D, head: HeadWeights) => tf.Scalar,
  sum: GradientSum,
  options: BackwardOptions = {},
): void {
  const pass = model.startPass(batch.tokens, options.pass);
  const walk = new Walk(pass, model.trainable, sum);
  try {
    const hidden = walk.forward(Math.min(options.recomputedLayers ?? 0, pass.layers));
    const end = Recording.of(() => lossOf(pass.finish(hidden), pass.head()));
    end.y.dispose();
    options.afterForward?.();
    walk.backward(hidden, end);
  } finally {
    walk.dispose();
    pass.dispose();
  }
}

/** What the backward pass needs of a block: its input, and unless it is recomputed its tape. */
interface BlockTrace {
  /** Alive only where the block is recomputed; otherwise its id alone is used. */
  readonly input: tf.Tensor2D;
  readonly recording?: Recording<tf.Tensor2D>;
}

class Walk {
  readonly #pass: ForwardPass;
  readonly #names: readonly string[];
  readonly #weights: readonly tf.Variable[];
  readonly #sum: GradientSum;
  #embedding?: Recording<tf.Tensor2D>;
  /** The first block first. */
  readonly #blocks: BlockTrace[] = [];
  /** Where the walk is: the newest output going forward, the gradient going back. */
  #here?: tf.Tensor;

  constructor(pass: ForwardPass, weights: ReadonlyMap<string, tf.Variable>, sum: GradientSum) {
    this.#pass = pass;
    this.#names = [...weights.keys()];
    this.#weights = [...weights.values()];
    this.#sum = sum;
  }

  /** Runs all blocks and gives the last one's output, which the walk owns. */
  forward(recomputed: number): tf.Tensor2D {
    const pass = this.#pass;
    this.#embedding = Recording.of(() => pass.embed());
    let output = this.#embedding.y;
    this.#here = output;
    for (let layer = 0; layer < pass.layers; layer++) {
      const input = output;
      if (layer < recomputed) {
        output = tf.tidy(() => pass.block(input, layer));
        this.#blocks.push({ input });
      } else {
        const recording = Recording.of(() => pass.block(input, layer));
        this.#blocks.push({ input, recording });
        output = recording.y;
        input.dispose();
      }
      this.#here = output;
    }
    return output;
  }

  /** Runs back what came after the blocks, the blocks, and the embedding. */
  backward(output: tf.Tensor2D, end: Recording): void {
    output.dispose();
    this.#here = undefined;
    this.#runBack(end, output);
    for (let layer = this.#blocks.length - 1; layer >= 0; layer--) {
      const { input, recording } = this.#blocks[layer]!;
      this.#runBack(recording ?? this.#repeat(input, layer), input);
      this.#blocks.pop();
      input.dispose();
    }
    this.#runBack(this.#embedding!);
  }

  /** Frees what a walk that threw has left. */
  dispose(): void {
    this.#embedding?.dispose();
    for (const { input, recording } of this.#blocks) {
      input.dispose();
      recording?.dispose();
    }
    this.#here?.dispose();
  }

  #repeat(input: tf.Tensor2D, layer: number): Recording {
    const recording = Recording.of(() => this.#pass.block(input, layer));
    recording.y.dispose();
    return recording;
  }

  /** Takes the gradient here through a recording: to the weights' sums, and to its input. */
  #runBack(recording: Recording, input?: tf.Tensor2D): void {
    const dY = this.#here;
    const wanted = input ? [...this.#weights, input] : this.#weights;
    const gradients = recording.backward(wanted, dY);
    dY?.dispose();
    this.#here = input && gradients.pop();
    gradients.forEach((gradient, i) => {
      if (gradient) this.#sum.add(this.#names[i]!, gradient);
    });
  }
}
