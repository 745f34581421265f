/**
 * Which tokens of one flat stream see which: the layout of a packed micro-batch. A preference pair
 * is prompt | chosen | rejected, and both answers go on from the one prompt:
 *
 *     stream     p p p c c r r r | p p c c c r ...
 *     positions  0 1 2 3 4 3 4 5 | 0 1 2 3 4 2 ...
 *
 * A query sees its pair's prompt and its own segment up to itself; what sees a key is contiguous
 * too. So four numbers a token say it all, and no mask is made. Plain causal sequences are layouts
 * without shared prompts. No tensors but those that `deviceRanges` keeps.
 */

import { sizeClass } from "../../tensor/size_class.ts";
import { tf } from "../../tensor/tf.ts";

/** Tokens of a pair's segments; any may be 0. */
export interface PairLengths {
  readonly prompt: number;
  readonly chosen: number;
  readonly rejected: number;
}

/** Tokens of a prompt and of the answers that go on from it; any may be 0. */
export interface GroupLengths {
  readonly prompt: number;
  readonly answers: readonly number[];
}

/** The numbers of a token in `SegmentLayout.ranges`. */
export const RANGE_SIZE = 4;

/** Tokens whose ranges `DeviceRanges` joins. */
export const TILE_TOKENS = 32;

/** A layout's numbers on the device, int32. */
export interface DeviceRanges {
  /**
   * [N + ceil(N / 32), 4] `SegmentLayout.ranges`, and after them what holds the ranges of each 32
   * tokens: least starts and greatest ends.
   */
  readonly ranges: tf.Tensor2D;
  /** [N] `SegmentLayout.positions`. */
  readonly positions: tf.Tensor1D;
}

/** A run of tokens that no token outside of it sees or is seen by. */
export interface TokenSpan {
  readonly start: number;
  readonly end: number;
}

/** How the N tokens of a stream see each other. */
export class SegmentLayout {
  /** [N] each token's place in its sequence: where the answers start, the prompt ends. */
  readonly positions: Int32Array;
  /**
   * [N, 4] for token i: promptStart, promptEnd, ownStart, seenEnd. As a query it sees the keys
   * promptStart..promptEnd-1 and ownStart..i; as a key it is seen by the queries i..seenEnd-1.
   */
  readonly ranges: Int32Array;
  /** The pairs or sequences, in order; padding belongs to none. */
  readonly spans: readonly TokenSpan[];
  /** By window; the positions are one tensor. */
  readonly #device = new Map<number, DeviceRanges>();

  private constructor(
    positions: Int32Array,
    ranges: Int32Array,
    spans: readonly TokenSpan[],
  ) {
    this.positions = positions;
    this.ranges = ranges;
    this.spans = spans;
  }

  /**
   * Packs pairs one after the other.
   *
   * @param tokens N; default the smallest size class that holds them. Padding tokens, at the end,
   * see themselves alone.
   */
  static ofPairs(pairs: readonly PairLengths[], tokens?: number): SegmentLayout {
    const groups = pairs.map(({ prompt, chosen, rejected }) => ({
      prompt,
      answers: [chosen, rejected],
    }));
    return SegmentLayout.ofGroups(groups, tokens);
  }

  /** The same for any number of answers to a prompt; all go on from it, none sees another. */
  static ofGroups(groups: readonly GroupLengths[], tokens?: number): SegmentLayout {
    const lengths = groups.flatMap(({ prompt, answers }) => [prompt, ...answers]);
    const used = lengths.reduce((sum, length) => sum + length, 0);
    const writer = new RangeWriter(tokens ?? sizeClass(used));
    for (const { prompt, answers } of groups) {
      const start = writer.used;
      const promptEnd = start + prompt;
      const seenEnd = answers.reduce((end, length) => end + length, promptEnd);
      writer.add({ length: prompt, start, promptEnd: start, seenEnd });
      for (const length of answers) writer.add({ length, start, promptEnd });
      writer.close(start);
    }
    return SegmentLayout.#of(writer);
  }

  /** Puts causal sequences one after the other; N is the sum of their lengths. */
  static ofSequences(lengths: readonly number[]): SegmentLayout {
    const writer = new RangeWriter(lengths.reduce((sum, length) => sum + length, 0));
    for (const length of lengths) {
      const start = writer.used;
      writer.add({ length, start, promptEnd: start });
      writer.close(start);
    }
    return SegmentLayout.#of(writer);
  }

  /** A batch [B, T] of causal sequences; padding at their ends reaches no other token. */
  static ofBatch(batchSize: number, length: number): SegmentLayout {
    return SegmentLayout.ofSequences(new Array<number>(batchSize).fill(length));
  }

  static #of({ positions, ranges, spans }: RangeWriter): SegmentLayout {
    return new SegmentLayout(positions, ranges, spans);
  }

  /** N, padding included. */
  get tokens(): number {
    return this.positions.length;
  }

  /** Tokens of the longest span. */
  get longestSpan(): number {
    return Math.max(...this.spans.map(({ start, end }) => end - start));
  }

  /**
   * The ranges where a query sees only the last `window` positions of its sequence, its own
   * included. What sees a key is then within i..seenEnd-1, but need not be all of that: whether a
   * query of an answer sees a key of the prompt is in the query's numbers.
   */
  rangesWithin(window: number = Infinity): Int32Array {
    return window >= this.longestSpan ? this.ranges : withinWindow(this, window);
  }

  /**
   * The numbers as tensors, uploaded once; `dispose` frees them.
   *
   * @param window As for `rangesWithin`.
   */
  deviceRanges(window: number = Infinity): DeviceRanges {
    const known = this.#device.get(window);
    if (known) return known;
    const [other] = this.#device.values();
    const device = {
      ranges: tf.keep(withTiles(this.rangesWithin(window))),
      positions: other?.positions ?? tf.keep(tf.tensor1d(this.positions, "int32")),
    };
    this.#device.set(window, device);
    return device;
  }

  /** Frees the tensors; those that a backward pass has saved stay until it is done. */
  dispose(): void {
    for (const device of this.#device.values()) tf.dispose({ ...device });
    this.#device.clear();
  }
}

function withinWindow(layout: SegmentLayout, window: number): Int32Array {
  const ranges = layout.ranges.slice();
  for (const { start, end } of layout.spans) {
    const promptEnd = promptEndOf(layout, { start, end });
    for (let i = start; i < end; i++) {
      const own = ranges.subarray(RANGE_SIZE * i, RANGE_SIZE * (i + 1));
      const [promptStart, ownPromptEnd, ownStart, seenEnd] = own as unknown as RangeNumbers;
      const oldest = layout.positions[i]! - window + 1;
      own[0] = Math.min(ownPromptEnd, Math.max(promptStart, promptStart + oldest));
      own[2] = Math.max(ownStart, i - window + 1);
      // A prompt's key within reach of the answers is seen by some of each.
      if (i >= promptEnd || i + window <= promptEnd) own[3] = Math.min(seenEnd, i + window);
    }
  }
  return ranges;
}

/** Where a span's shared prompt ends; its start where it has none. */
function promptEndOf({ ranges }: SegmentLayout, { start, end }: TokenSpan): number {
  for (let i = start; i < end; i++) {
    if (ranges[RANGE_SIZE * i]! < ranges[RANGE_SIZE * i + 1]!) return ranges[RANGE_SIZE * i + 1]!;
  }
  return start;
}

/** One segment to write. */
interface Segment {
  readonly length: number;
  /** Where its sequence starts; the prompt does too. */
  readonly start: number;
  readonly promptEnd: number;
  /** Default: the segment's own end. */
  readonly seenEnd?: number;
}

/** A layout's arrays while segments are added. What is not written is padding. */
class RangeWriter {
  readonly positions: Int32Array;
  readonly ranges: Int32Array;
  readonly spans: TokenSpan[] = [];
  used = 0;

  constructor(tokens: number) {
    this.positions = new Int32Array(tokens);
    this.ranges = new Int32Array(RANGE_SIZE * tokens);
    for (let i = 0; i < tokens; i++) this.ranges.set([i, i, i, i + 1], RANGE_SIZE * i);
  }

  add({ length, start, promptEnd, seenEnd = this.used + length }: Segment): void {
    const ownStart = this.used;
    for (let i = ownStart; i < ownStart + length; i++) {
      this.positions[i] = promptEnd - start + i - ownStart;
      this.ranges.set([start, promptEnd, ownStart, seenEnd], RANGE_SIZE * i);
    }
    this.used += length;
  }

  close(start: number): void {
    this.spans.push({ start, end: this.used });
  }
}

function withTiles(ranges: Int32Array): tf.Tensor2D {
  const tokens = ranges.length / RANGE_SIZE;
  const rows = tokens + Math.ceil(tokens / TILE_TOKENS);
  const all = new Int32Array(RANGE_SIZE * rows);
  all.set(ranges);
  for (let first = 0, row = tokens; first < tokens; first += TILE_TOKENS, row++) {
    let [promptStart, promptEnd, ownStart, seenEnd] = [tokens, 0, tokens, 0];
    for (let i = first; i < Math.min(first + TILE_TOKENS, tokens); i++) {
      const [start, end, own, seen] = ranges.subarray(RANGE_SIZE * i) as unknown as RangeNumbers;
      if (start < end) {
        promptStart = Math.min(promptStart, start);
        promptEnd = Math.max(promptEnd, end);
      }
      ownStart = Math.min(ownStart, own);
      seenEnd = Math.max(seenEnd, seen);
    }
    all.set([promptStart, promptEnd, ownStart, seenEnd], RANGE_SIZE * row);
  }
  return tf.tensor2d(all, [rows, RANGE_SIZE], "int32");
}

type RangeNumbers = [promptStart: number, promptEnd: number, ownStart: number, seenEnd: number];
