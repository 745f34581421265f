/**
 * Walks over what pages count in: runs of equal values and packed bits (levels, dictionary indices)
 * and blocks of differences. The library believes what a run says of its length, and writes it.
 */

import { readNumber } from "./thrift.ts";

/** Where a stream of runs ends, and how many of its values are the greatest there may be. */
export interface Runs {
  readonly end: number;
  /** Counted only where bits are looked at. */
  readonly greatest: number;
}

/** What is asked of the values. */
export interface RunRules {
  /** Bits a value. */
  readonly width: number;
  /** Values there must be. */
  readonly count: number;
  /** The greatest there may be. */
  readonly most: number;
}

/**
 * Walks over runs until there are as many values as there must be.
 *
 * @param end Of the bytes they may lie in.
 * @throws Error where a run goes beyond the values or the bytes, or a value is too great.
 */
export function walkRuns(view: DataView, start: number, end: number, rules: RunRules): Runs {
  const { width, count, most } = rules;
  if (width > 32) throw new Error(`its values have ${width} bits`);
  const bytes = new DataView(view.buffer, view.byteOffset, end);
  let at = start;
  let seen = 0;
  let greatest = 0;
  while (seen < count) {
    const [head, next] = readNumber(bytes, at);
    const size = head % 2 === 1 ? Math.floor(head / 2) * width : Math.ceil(width / 8);
    if (head % 2 === 1) {
      const packed = Math.floor(head / 2) * 8;
      if (packed === 0 || packed >= count - seen + 8) throw tooLong(packed, count - seen);
      const used = Math.min(packed, count - seen);
      greatest += greatestOf(bytes, next, used, { width, most });
      seen += used;
      // The last group may lack the bytes that no value needs.
      at = Math.min(next + size, end);
    } else {
      const length = head / 2;
      if (length === 0 || length > count - seen) throw tooLong(length, count - seen);
      if (next + size > end) throw new Error("its values are cut short");
      let value = 0;
      for (let i = 0; i < size; i++) value += bytes.getUint8(next + i) * 2 ** (8 * i);
      if (value > most) throw tooGreat(value, most);
      if (value === most) greatest += length;
      seen += length;
      at = next + size;
    }
  }
  return { end: at, greatest };
}

/** Looks at packed values; gives how many are the greatest. */
function greatestOf(
  bytes: DataView,
  start: number,
  count: number,
  { width, most }: Pick<RunRules, "width" | "most">,
): number {
  if (start + Math.ceil(count * width / 8) > bytes.byteLength) {
    throw new Error("its values are cut short");
  }
  if (width === 0) return most === 0 ? count : 0;
  let greatest = 0;
  let held = 0;
  let bits = 0;
  let at = start;
  const size = 2 ** width;
  for (let i = 0; i < count; i++) {
    for (; bits < width; bits += 8) held += bytes.getUint8(at++) * 2 ** bits;
    const value = held % size;
    if (value > most) throw tooGreat(value, most);
    if (value === most) greatest++;
    held = Math.floor(held / size);
    bits -= width;
  }
  return greatest;
}

/**
 * Walks over values kept as blocks of differences (DELTA_BINARY_PACKED); gives where they end.
 *
 * @throws Error where they are not `count`, or go beyond the bytes.
 */
export function walkDeltas(view: DataView, start: number, count: number): number {
  const head: number[] = [];
  let at = start;
  for (let i = 0; i < 4; i++) {
    const [value, end] = readNumber(view, at);
    head.push(value);
    at = end;
  }
  const [block, parts, total] = head as [number, number, number];
  if (total !== count) throw new Error(`it claims ${total} values in place of ${count}`);
  const each = block / parts;
  if (!(parts > 0 && parts <= view.byteLength && each > 0 && each % 8 === 0)) {
    throw new Error("its blocks have no size");
  }
  for (let seen = 1; seen < count;) {
    const [, widths] = readNumber(view, at);
    at = widths + parts;
    for (let part = 0; part < parts && seen < count; part++, seen += each) {
      if (at > view.byteLength) throw new Error("its values are cut short");
      const width = view.getUint8(widths + part);
      if (width > 64) throw new Error(`its values have ${width} bits`);
      at += each * width / 8;
    }
  }
  return Math.min(at, view.byteLength);
}

function tooLong(run: number, left: number): Error {
  return new Error(`a run of ${run} values where ${left} are left`);
}

function tooGreat(value: number, most: number): Error {
  return new Error(`a value of ${value} where ${most} is the greatest`);
}
