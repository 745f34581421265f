/**
 * Rounds sizes up to a few classes. The webgpu backend keeps freed buffers by exact size for ever,
 * and compiles some programs by shape: lengths that differ from batch to batch would pile up.
 */

/** The smallest class that holds `n`: multiples of 16, then 8 classes an octave (12.5% at most). */
export function sizeClass(n: number): number {
  if (n <= 16) return 16;
  const step = Math.max(16, 2 ** (Math.ceil(Math.log2(n)) - 4));
  return Math.ceil(n / step) * step;
}
