/**
 * How many bytes LZ4 data stands for, by its lengths alone: the library fills what is missing with
 * zeros and drops what is over.
 */

/** The length of a block, or of Hadoop's blocks with their two lengths before each. */
export function lz4Length(input: Uint8Array): number {
  return hadoopLength(input) ?? blockLength(input, 0, input.length);
}

function hadoopLength(input: Uint8Array): number | undefined {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let length = 0;
  let at = 0;
  while (at < input.length) {
    if (input.length - at < 8) return undefined;
    const [plain, packed] = [view.getUint32(at), view.getUint32(at + 4)];
    const start = at + 8;
    if (packed > input.length - start || blockLength(input, start, start + packed) !== plain) {
      return undefined;
    }
    length += plain;
    at = start + packed;
  }
  return length;
}

function blockLength(input: Uint8Array, start: number, end: number): number {
  let at = start;
  let length = 0;
  /** Reads on a length of 15 or more: bytes that are added up, up to one that is not 255. */
  const longer = (short: number): number => {
    let sum = short;
    if (short < 15) return sum;
    while (at < end) {
      sum += input[at]!;
      if (input[at++] !== 255) break;
    }
    return sum;
  };
  while (at < end) {
    const token = input[at++]!;
    const literals = longer(token >> 4);
    at += literals;
    length += literals;
    if (at >= end) return at === end ? length : NaN;
    at += 2;
    length += 4 + longer(token & 0x0f);
  }
  return at === end ? length : NaN;
}
