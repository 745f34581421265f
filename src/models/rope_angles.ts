/** The angles of rotary position embeddings: frequencies with their scaling, as transformers has it. */

import type { RopeTable } from "../ops/rope.ts";
import type { SegmentLayout } from "../ops/attention/segments.ts";
import { sizeClass } from "../tensor/size_class.ts";
import { tf } from "../tensor/tf.ts";
import type { RopeScaling } from "./config.ts";

/** One way to rotate. */
export interface RopeSettings {
  /** R: values of a head that are rotated. */
  readonly dim: number;
  /** Base of the frequencies. */
  readonly theta: number;
  readonly scaling: RopeScaling;
}

/** A table of angles, and each token's row in it. */
export interface PlacedAngles {
  readonly table: RopeTable;
  /** [N] int32. */
  readonly rows: tf.Tensor1D;
}

/**
 * A model's angles for one of its rotations. LongRoPE has two sets of frequencies: a sequence that
 * outgrows the original length takes the second in all of its positions. Of what is packed
 * together, a prompt and its answers count as one sequence, as long as the longest of them.
 */
export class RopeAngles {
  readonly #short: AngleTable;
  /** LongRoPE's second set, and the length beyond which it holds. */
  readonly #long?: { readonly table: AngleTable; readonly beyond: number };

  /** Takes a way to rotate. */
  constructor({ dim, theta, scaling }: RopeSettings) {
    const plain = Float64Array.from({ length: dim / 2 }, (_, i) => theta ** (-2 * i / dim));
    const gain = "attentionFactor" in scaling ? scaling.attentionFactor : 1;
    this.#short = new AngleTable(scaleFrequencies(plain, scaling, theta), gain);
    if (scaling.ropeType !== "longrope") return;
    const { longFactors, originalMaxPositionEmbeddings: beyond } = scaling;
    const long = plain.map((frequency, i) => frequency / longFactors[i]!);
    this.#long = { table: new AngleTable(long, gain), beyond };
  }

  /**
   * The angles of a layout's tokens; the caller disposes them.
   *
   * @param reach Tokens that each of its spans may grow to. Default: as many as it has.
   */
  place(layout: SegmentLayout, reach?: ArrayLike<number>): PlacedAngles {
    const { positions, spans } = layout;
    const all = Int32Array.from({ length: sizeClass(greatest(positions) + 1) }, (_, i) => i);
    const isLong = spans.map(({ start, end }, span) =>
      this.#isLong(reach?.[span] ?? greatest(positions.subarray(start, end)) + 1)
    );
    if (!isLong.includes(true)) {
      return { table: this.#short.at(all), rows: tf.clone(layout.deviceRanges().positions) };
    }
    const rows = positions.slice();
    spans.forEach(({ start, end }, span) => {
      if (isLong[span]) { for (let i = start; i < end; i++) rows[i]! += all.length; }
    });
    return { table: this.#both(all), rows: tf.tensor1d(rows, "int32") };
  }

  /**
   * The angles of tokens at some positions, as many of each sequence.
   *
   * @param reach [B] tokens that each of their sequences may grow to.
   */
  at(positions: Int32Array, reach: ArrayLike<number>): PlacedAngles {
    const each = positions.length / reach.length;
    const isLong = Array.from(positions, (_, i) => this.#isLong(reach[Math.floor(i / each)]!));
    const table = isLong.includes(true) ? this.#both(positions) : this.#short.at(positions);
    const rows = isLong.map((long, i) => long ? i + positions.length : i);
    return { table, rows: tf.tensor1d(rows, "int32") };
  }

  #isLong(length: number): boolean {
    return this.#long !== undefined && length > this.#long.beyond;
  }

  /** The short sequences' rows, then the long ones'. */
  #both(positions: Int32Array): RopeTable {
    return tf.tidy(() => {
      const [short, long] = [this.#short.at(positions), this.#long!.table.at(positions)];
      return {
        cos: tf.concat([short.cos, long.cos], 1),
        sin: tf.concat([short.sin, long.sin], 1),
      };
    });
  }
}

/** Cosines and sines by position, computed once a position and kept on the host. */
class AngleTable {
  /** [P, R / 2] of the positions known so far. */
  #cos = new Float32Array(0);
  #sin = new Float32Array(0);

  /** Takes the angle a position adds, [R / 2], and the factor on cosines and sines. */
  constructor(readonly frequencies: Float64Array, readonly gain: number) {}

  /** The table of some positions, in their order: [1, P, 1, R / 2]. */
  at(positions: Int32Array): RopeTable {
    this.#know(greatest(positions) + 1);
    const half = this.frequencies.length;
    const take = (known: Float32Array): tf.Tensor4D => {
      const rows = new Float32Array(positions.length * half);
      positions.forEach((position, row) =>
        rows.set(known.subarray(position * half, (position + 1) * half), row * half)
      );
      return tf.tensor4d(rows, [1, positions.length, 1, half]);
    };
    return { cos: take(this.#cos), sin: take(this.#sin) };
  }

  #know(positions: number): void {
    const half = this.frequencies.length;
    const known = this.#cos.length / half;
    if (positions <= known) return;
    const size = Math.max(positions, 2 * known);
    const [cos, sin] = [new Float32Array(size * half), new Float32Array(size * half)];
    for (let position = 0; position < size; position++) {
      for (let i = 0; i < half; i++) {
        const angle = position * this.frequencies[i]!;
        cos[position * half + i] = this.gain * Math.cos(angle);
        sin[position * half + i] = this.gain * Math.sin(angle);
      }
    }
    [this.#cos, this.#sin] = [cos, sin];
  }
}

function greatest(positions: Int32Array): number {
  return positions.reduce((a, b) => Math.max(a, b), 0);
}

/** θ_i scaled; of LongRoPE those of short sequences. */
function scaleFrequencies(
  plain: Float64Array,
  scaling: RopeScaling,
  theta: number,
): Float64Array {
  switch (scaling.ropeType) {
    case "default":
      return plain;
    case "linear":
      return plain.map((frequency) => frequency / scaling.factor);
    case "llama3":
      return plain.map((frequency) => llama3Frequency(frequency, scaling));
    case "yarn":
      return yarnFrequencies(plain, scaling, theta);
    case "longrope":
      return plain.map((frequency, i) => frequency / scaling.shortFactors[i]!);
  }
}

/** One kind of scaling. */
export type Scaling<Type extends RopeScaling["ropeType"]> = Extract<
  RopeScaling,
  { ropeType: Type }
>;

/** A frequency as Llama 3's scaling changes it. */
export function llama3Frequency(frequency: number, scaling: Scaling<"llama3">): number {
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
  const turns = originalMaxPositionEmbeddings * frequency / (2 * Math.PI);
  if (turns > highFreqFactor) return frequency;
  if (turns < lowFreqFactor) return frequency / factor;
  const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}

/** A ramp over the frequencies, from those kept to those divided (Peng et al. 2023, eq. 23). */
function yarnFrequencies(
  plain: Float64Array,
  scaling: Scaling<"yarn">,
  theta: number,
): Float64Array {
  const { factor, betaFast, betaSlow, truncate, originalMaxPositionEmbeddings } = scaling;
  const dim = 2 * plain.length;
  /** The frequency, by its number, that turns so often within the original length. */
  const placeOf = (turns: number) =>
    dim * Math.log(originalMaxPositionEmbeddings / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  const [fast, slow] = [placeOf(betaFast), placeOf(betaSlow)];
  const low = Math.max(truncate ? Math.floor(fast) : fast, 0);
  const high = Math.min(truncate ? Math.ceil(slow) : slow, dim - 1);
  const width = high === low ? 0.001 : high - low;
  return plain.map((frequency, i) => {
    const divided = Math.min(1, Math.max(0, (i - low) / width));
    return frequency / factor * divided + frequency * (1 - divided);
  });
}
