/** The weights of models.py's models, by the same formula. */

/** Uniform in [-0.5, 0.5): a 32-bit hash of the name's FNV-1a and the index. */
export function formula(name: string, size: number): Float64Array {
  let seed = 2166136261;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 16777619);
  return Float64Array.from({ length: size }, (_, i) => {
    let x = Math.imul(i, 2654435761) + seed | 0;
    x = Math.imul(x ^ (x >>> 15), 739982445);
    x = Math.imul(x ^ (x >>> 13), 695872825);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32 - 0.5;
  });
}

/** A weight's values, float32. */
export function goldenValues(name: string, shape: readonly number[]): Float32Array {
  const unit = formula(name, shape.reduce((product, size) => product * size, 1));
  if (/(norm|ln_\w+)\.weight$/.test(name)) return Float32Array.from(unit, (u) => 1 + 0.4 * u);
  const scale = /embed|lm_head|wte|wpe/.test(name) ? 2 : 0.8;
  return Float32Array.from(unit, (u) => scale * u);
}
