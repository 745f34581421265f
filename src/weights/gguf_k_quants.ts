/**
 * ggml's K-quants as float32: super-blocks of 256 numbers, in parts of 16 or 32 with scales of 4 or
 * 6 bits that share a half-precision scale. As exact as gguf_dequantize.ts says.
 *
 * In all of them number i has its low bits in byte i % 32 of a row of 32; which row, and how far
 * they are shifted, depends on i / 32 alone.
 */

const SUPER_BLOCK = 256;

/** A block: scales of 16 bytes (low nibble scale, high nibble minimum), quants 64, d, dmin. */
export function dequantizeQ2K(bytes: Uint8Array, out: Float32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0, to = 0; to < out.length; at += 84, to += SUPER_BLOCK) {
    const d = view.getFloat16(at + 80, true);
    const dmin = view.getFloat16(at + 82, true);
    for (let part = 0; part < 16; part++) {
      const scale = d * (bytes[at + part]! & 15);
      const minimum = dmin * (bytes[at + part]! >> 4);
      const from = at + 16 + 32 * (part >> 3) + 16 * (part & 1);
      const shift = part & 6;
      for (let i = 0; i < 16; i++) {
        out[to + 16 * part + i] = scale * ((bytes[from + i]! >> shift) & 3) - minimum;
      }
    }
  }
}

/** A block: third bits 32, quants 64, scales 12, d. A third bit that is clear means minus 4. */
export function dequantizeQ3K(bytes: Uint8Array, out: Float32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0, to = 0; to < out.length; at += 110, to += SUPER_BLOCK) {
    const d = view.getFloat16(at + 108, true);
    for (let part = 0; part < 16; part++) {
      const low = part < 8 ? bytes[at + 96 + part]! & 15 : bytes[at + 88 + part]! >> 4;
      const high = (bytes[at + 104 + (part & 3)]! >> (2 * (part >> 2))) & 3;
      const scale = d * ((low | high << 4) - 32);
      const third = at + 16 * (part & 1);
      const from = at + 32 + 32 * (part >> 3) + 16 * (part & 1);
      const shift = part & 6;
      for (let i = 0; i < 16; i++) {
        const offset = (bytes[third + i]! >> (part >> 1)) & 1 ? 0 : 4;
        out[to + 16 * part + i] = scale * (((bytes[from + i]! >> shift) & 3) - offset);
      }
    }
  }
}

/** The 6-bit scale of part 0 to 7 among 12 bytes: four low, four minimum, four of shared halves. */
function sixBitScale(bytes: Uint8Array, at: number, part: number): number {
  if (part < 4) return bytes[at + part]! & 63;
  return bytes[at + part + 4]! & 15 | bytes[at + part - 4]! >> 6 << 4;
}

function sixBitMinimum(bytes: Uint8Array, at: number, part: number): number {
  if (part < 4) return bytes[at + part + 4]! & 63;
  return bytes[at + part + 4]! >> 4 | bytes[at + part]! >> 6 << 4;
}

/** A block: d, dmin, scales and minima 12, quants 128. */
export function dequantizeQ4K(bytes: Uint8Array, out: Float32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0, to = 0; to < out.length; at += 144, to += SUPER_BLOCK) {
    const d = view.getFloat16(at, true);
    const dmin = view.getFloat16(at + 2, true);
    for (let part = 0; part < 8; part++) {
      const scale = d * sixBitScale(bytes, at + 4, part);
      const minimum = dmin * sixBitMinimum(bytes, at + 4, part);
      const from = at + 16 + 32 * (part >> 1);
      const shift = 4 * (part & 1);
      for (let i = 0; i < 32; i++) {
        out[to + 32 * part + i] = scale * ((bytes[from + i]! >> shift) & 15) - minimum;
      }
    }
  }
}

/** A block: d, dmin, scales and minima 12, fifth bits 32, quants 128. */
export function dequantizeQ5K(bytes: Uint8Array, out: Float32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0, to = 0; to < out.length; at += 176, to += SUPER_BLOCK) {
    const d = view.getFloat16(at, true);
    const dmin = view.getFloat16(at + 2, true);
    for (let part = 0; part < 8; part++) {
      const scale = d * sixBitScale(bytes, at + 4, part);
      const minimum = dmin * sixBitMinimum(bytes, at + 4, part);
      const fifth = at + 16;
      const from = at + 48 + 32 * (part >> 1);
      const shift = 4 * (part & 1);
      for (let i = 0; i < 32; i++) {
        const high = (bytes[fifth + i]! >> part & 1) << 4;
        out[to + 32 * part + i] = scale * ((bytes[from + i]! >> shift) & 15 | high) - minimum;
      }
    }
  }
}

/** A block: low nibbles 128, high pairs of bits 64, signed scales 16, d. */
export function dequantizeQ6K(bytes: Uint8Array, out: Float32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0, to = 0; to < out.length; at += 210, to += SUPER_BLOCK) {
    const d = view.getFloat16(at + 208, true);
    for (let part = 0; part < 16; part++) {
      const scale = d * view.getInt8(at + 192 + part);
      const half = part >> 3;
      const row = (part >> 1) & 3;
      const low = at + 64 * half + 32 * (row & 1) + 16 * (part & 1);
      const high = at + 128 + 32 * half + 16 * (part & 1);
      for (let i = 0; i < 16; i++) {
        const nibble = bytes[low + i]! >> (4 * (row >> 1)) & 15;
        const quant = nibble | (bytes[high + i]! >> (2 * row) & 3) << 4;
        out[to + 16 * part + i] = scale * (quant - 32);
      }
    }
  }
}
