/** Which built-in stages would mend a connection; only for hints. */

import type { AnyStage, ArtifactType } from "../contract.ts";
import { kindName, portDemand } from "../load/stage_contract.ts";

type Registry = ReadonlyMap<string, AnyStage>;
type AnyType = ArtifactType<unknown>;

/** "put a ... between them": the shortest chain of built-in stages from one kind to another. */
export function conversionHint(from: AnyType, to: AnyType, registry: Registry): string | undefined {
  const chain = shortestChain(kindName(from), kindName(to), registry);
  if (chain === undefined) return producerHint(to, registry);
  const names = chain.map((name) => `"${name}"`).join(" and ");
  const article = /^"[aeiou]/.test(names) ? "an" : "a";
  return chain.length === 1
    ? `put ${article} ${names} stage between them`
    : `put the stages ${names} between them`;
}

/** "put ... before it": the built-in stages that give a kind. */
export function producerHint(type: AnyType, registry: Registry): string | undefined {
  const names = producers(type, registry).map((name) => `"${name}"`);
  if (names.length === 0) return `no built-in stage gives "${kindName(type)}"`;
  return `put ${names.join(" or ")} before it`;
}

/** Stages that give a kind; those that need it themselves only where there are no others. */
function producers(type: AnyType, registry: Registry): string[] {
  const kind = kindName(type);
  const giving = [...registry.values()]
    .filter((stage) => types(stage.outputs).some((output) => kindName(output) === kind));
  const starting = giving.filter((stage) => !needs(stage).includes(kind));
  return (starting.length > 0 ? starting : giving).map((stage) => stage.name);
}

/** The kinds a stage cannot run without. */
function needs(stage: AnyStage): string[] {
  return Object.values<Parameters<typeof portDemand>[0]>(stage.inputs).map(portDemand)
    .filter((port) => !port.optional).map((port) => kindName(port.type));
}

/** Breadth-first over kinds; a stage leads from the kinds it needs to the kinds it gives. */
function shortestChain(from: string, to: string, registry: Registry): string[] | undefined {
  const chains = new Map<string, string[]>([[from, []]]);
  for (const [kind, chain] of chains) {
    for (const stage of registry.values()) {
      if (!needs(stage).includes(kind)) continue;
      for (const output of types(stage.outputs)) {
        if (!chains.has(kindName(output))) chains.set(kindName(output), [...chain, stage.name]);
      }
    }
    const found = chains.get(to);
    if (found !== undefined && found.length > 0) return found;
  }
  return undefined;
}

function types(outputs: Record<string, AnyType>): AnyType[] {
  return Object.values(outputs);
}
