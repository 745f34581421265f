/**
 * Which names a checkpoint gives to the weights that an architecture declares. They are the same,
 * but for checkpoints of the bare model: those leave out the architecture's `basePrefix`.
 */

import type { Architecture } from "../architecture.ts";
import type { ModelConfig } from "../config.ts";

/**
 * Gives the shapes by the checkpoint's own names.
 *
 * @param has Whether the checkpoint has a tensor.
 */
export function checkpointShapes(
  { basePrefix, parameterShapes }: Architecture,
  config: ModelConfig,
  has: (name: string) => boolean,
): Map<string, number[]> {
  const shapes = parameterShapes(config);
  if (basePrefix === undefined) return shapes;
  const prefixed = [...shapes.keys()].filter((name) => name.startsWith(basePrefix));
  const isBare = !prefixed.some(has) &&
    prefixed.some((name) => has(withoutPrefix(name, basePrefix)));
  if (!isBare) return shapes;
  return new Map([...shapes].map(([name, shape]) => [withoutPrefix(name, basePrefix), shape]));
}

/** A name as checkpoints of the bare model have it. */
export function withoutPrefix(name: string, basePrefix: string): string {
  return name.startsWith(basePrefix) ? name.slice(basePrefix.length) : name;
}
