/** tanh as WGSL text: drivers' own may overflow to NaN, and promises no precision. */

/**
 * Defines `tanhOf` of one type: an odd series near 0, exp elsewhere; ±1 at any size of x.
 *
 * @param type "f32", or a vector or alias of it.
 */
export function tanhText(type: string): string {
  return `
fn tanhOf(x: ${type}) -> ${type} {
  let square = x * x;
  // Beyond 0.3 the series is not taken, and may overflow there.
  let near = x * (1 + square * (-1.0 / 3 + square * (2.0 / 15 + square * (-17.0 / 315 +
    square * (62.0 / 2835)))));
  let decay = exp(-2 * abs(x));
  let far = sign(x) * ((1 - decay) / (1 + decay));
  return select(far, near, abs(x) < ${type}(0.3));
}`;
}
