/** The order stages run in: the file's, but no stage before one whose output it takes. */

import type { Connections } from "./wire.ts";

/** The order, or the first cycle found; both as indexes of nodes. */
export type StageOrder = { readonly order: number[] } | { readonly cycle: number[] };

/** Orders nodes by their connections; of those that are ready, the file's first comes first. */
export function orderStages(connections: readonly Connections[]): StageOrder {
  const needs = connections.map((inputs) =>
    new Set(Object.values(inputs).map((connection) => connection.node))
  );
  const order: number[] = [];
  const done = new Set<number>();
  while (order.length < needs.length) {
    const next = needs.findIndex((nodes, index) => !done.has(index) && nodes.isSubsetOf(done));
    if (next < 0) return { cycle: findCycle(needs, done) };
    done.add(next);
    order.push(next);
  }
  return { order };
}

/** Every node that is not done waits for another: following those must come round. */
function findCycle(needs: readonly Set<number>[], done: ReadonlySet<number>): number[] {
  const path: number[] = [];
  let node = needs.findIndex((_, index) => !done.has(index));
  while (!path.includes(node)) {
    path.push(node);
    node = [...needs[node]!].find((one) => !done.has(one))!;
  }
  return path.slice(path.indexOf(node));
}
