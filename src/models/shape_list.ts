/** A model's weights while their shapes are listed, in the order of its layers. */

/** Shapes by the checkpoint's names. */
export class ShapeList {
  readonly byName = new Map<string, number[]>();

  /** Adds a weight. */
  add(name: string, shape: number[]): void {
    this.byName.set(name, shape);
  }

  /** Adds a linear layer of inner to outer channels: [outer, inner], and its bias. */
  addLinear(name: string, inner: number, outer: number, bias: boolean): void {
    this.add(`${name}.weight`, [outer, inner]);
    if (bias) this.add(`${name}.bias`, [outer]);
  }

  /** Adds a layer norm's weight and bias. */
  addLayerNorm(name: string, channels: number): void {
    this.add(`${name}.weight`, [channels]);
    this.add(`${name}.bias`, [channels]);
  }
}
