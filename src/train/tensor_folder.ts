/**
 * Tensors of the device as folders of safetensors, exact in float32: what checkpoints are made of.
 */

import { join } from "@std/path";
import { readFloats } from "../tensor/readback.ts";
import { tf } from "../tensor/tf.ts";
import { checkWeights } from "../weights/check.ts";
import { openWeights, type Weights } from "../weights/safetensors.ts";
import { type TensorSource, writeSafetensors } from "../weights/write_safetensors.ts";

/** The one file of a folder of tensors. */
export const TENSOR_FILE = "model.safetensors";

/** Bytes read back from the device ahead of the one being written. */
const READ_AHEAD_BYTES = 64 * 2 ** 20;

/** Writes tensors, by name, into a new folder. */
export async function saveTensors(
  dir: string,
  tensors: ReadonlyMap<string, tf.Tensor>,
): Promise<void> {
  await Deno.mkdir(dir);
  await writeSafetensors(join(dir, TENSOR_FILE), readAhead(tensors));
}

/** A folder of tensors that was found to have what is asked of it, before any is read. */
export class TensorFolder {
  readonly #weights: Weights;
  readonly #shapes: ReadonlyMap<string, readonly number[]>;

  private constructor(weights: Weights, shapes: ReadonlyMap<string, readonly number[]>) {
    this.#weights = weights;
    this.#shapes = shapes;
  }

  /**
   * Opens a folder that has the names and shapes of `like`.
   *
   * @throws {OddsmithError} WeightsError where one is missing, differs in shape or is cut off.
   */
  static async open(dir: string, like: ReadonlyMap<string, tf.Tensor>): Promise<TensorFolder> {
    const shapes = new Map([...like].map(([name, { shape }]) => [name, shape]));
    const weights = await openWeights(dir);
    checkWeights(weights, shapes);
    return new TensorFolder(weights, shapes);
  }

  /** Reads tensor after tensor onto the device, each owned by the caller. */
  async *tensors(): AsyncGenerator<[name: string, tensor: tf.Tensor]> {
    for (const [name, shape] of this.#shapes) {
      yield [name, tf.tensor(await this.#weights.read(name), [...shape])];
    }
  }

  /** Reads values into variables, one after the other. */
  async assignTo(variables: ReadonlyMap<string, tf.Variable>): Promise<void> {
    for await (const [name, tensor] of this.tensors()) {
      variables.get(name)!.assign(tensor);
      tensor.dispose();
    }
  }
}

/**
 * Reads values into variables. All names and shapes are checked before the first changes.
 *
 * @throws {OddsmithError} WeightsError, as `TensorFolder.open`.
 */
export async function loadVariables(
  dir: string,
  variables: ReadonlyMap<string, tf.Variable>,
): Promise<void> {
  await (await TensorFolder.open(dir, variables)).assignTo(variables);
}

/**
 * Sources in the order the writer asks for them (by name), each starting the reading of the next
 * ones: waiting for one tensor at a time would cost a round trip to the device each.
 */
function readAhead(tensors: ReadonlyMap<string, tf.Tensor>): Map<string, TensorSource> {
  const names = [...tensors.keys()].sort();
  const reading = new Map<string, Promise<Float32Array>>();
  let next = 0;
  let aheadBytes = 0;
  const values = async (name: string) => {
    while (next < names.length && (aheadBytes < READ_AHEAD_BYTES || !reading.has(name))) {
      const tensor = tensors.get(names[next]!)!;
      reading.set(names[next]!, readFloats(tensor));
      aheadBytes += 4 * tensor.size;
      next++;
    }
    const data = await reading.get(name)!;
    reading.delete(name);
    aheadBytes -= 4 * data.length;
    return data;
  };
  return new Map(
    names.map((name) => [name, { shape: tensors.get(name)!.shape, values: () => values(name) }]),
  );
}
