/**
 * Connects inputs to outputs: by reference where the pipeline names one, else to the nearest
 * earlier output of the input's kind and version. A stage that could not be loaded may give
 * anything, so nothing that could depend on it is called wrong.
 */

import type { ErrorLocation, OddsmithError } from "../../base/error.ts";
import type { AnyStage, ArtifactType } from "../contract.ts";
import type { NodePath } from "../load/pipeline_source.ts";
import { kindName, type PortDemand, portDemand } from "../load/stage_contract.ts";
import {
  ambiguousInput,
  noProducer,
  portMismatch,
  unknownInput,
  unknownOutput,
  unknownReference,
} from "./wire_errors.ts";
import { conversionHint, producerHint } from "./wire_hints.ts";

/** A stage as wiring sees it, in the file's order. */
export interface WireNode {
  /** Undefined where the stage could not be loaded and its entry names no id. */
  readonly id?: string;
  /** Undefined where it could not be loaded. */
  readonly stage?: AnyStage;
  /** What `inputs` says. */
  readonly references: Readonly<Record<string, string>>;
  at(path: NodePath, part?: "key" | "value"): ErrorLocation | undefined;
}

/** Where an input comes from. */
export interface Connection {
  /** Index of the producing node. */
  readonly node: number;
  readonly port: string;
}

/** A node's inputs by port. */
export type Connections = Readonly<Record<string, Connection>>;

interface Wiring {
  readonly nodes: readonly WireNode[];
  readonly registry: ReadonlyMap<string, AnyStage>;
  readonly problems: OddsmithError[];
}

/** Connects every node's inputs; what cannot be connected goes to `problems`. */
export function wireStages(
  nodes: readonly WireNode[],
  registry: ReadonlyMap<string, AnyStage>,
  problems: OddsmithError[],
): Connections[] {
  const wiring: Wiring = { nodes, registry, problems };
  return nodes.map((node, index) => node.stage === undefined ? {} : connect(wiring, node, index));
}

function connect(wiring: Wiring, node: WireNode, index: number): Connections {
  const ports = demands(node.stage!);
  for (const port of Object.keys(node.references)) {
    if (ports.some(([name]) => name === port)) continue;
    const known = ports.map(([name]) => name);
    wiring.problems.push(unknownInput(port, node.id!, known, node.at(["inputs", port], "key")));
  }
  const connections: Record<string, Connection> = {};
  for (const [port, demand] of ports) {
    const ref = node.references[port];
    const connection = ref === undefined
      ? nearest(wiring, node, index, port, demand)
      : refer(wiring, node, port, demand, ref);
    if (connection !== undefined) connections[port] = connection;
  }
  return connections;
}

/** The output that an unnamed input takes. */
function nearest(
  wiring: Wiring,
  node: WireNode,
  index: number,
  port: string,
  demand: PortDemand,
): Connection | undefined {
  const order = wiring.nodes.slice(0, index).map((_, at) => at);
  if (demand.pick === "nearest") order.reverse();
  const expected = kindName(demand.type);
  const input = `${node.id}.${port}`;
  for (const at of order) {
    const producer = wiring.nodes[at]!;
    if (producer.stage === undefined) return undefined;
    const found = outputs(producer.stage).filter(([, type]) => kindName(type) === expected);
    if (found.length > 1) {
      const candidates = found.map(([name]) => `${producer.id}.${name}`);
      wiring.problems.push(ambiguousInput(input, port, expected, candidates, node.at(["uses"])));
      return undefined;
    }
    if (found.length === 1) return { node: at, port: found[0]![0] };
  }
  if (demand.optional) return undefined;
  const others = order.flatMap((at) => {
    const producer = wiring.nodes[at]!;
    return outputs(producer.stage!)
      .filter(([, type]) => type.kind === demand.type.kind)
      .map(([name, type]) => `"${kindName(type)}" from "${producer.id}.${name}"`);
  });
  const hint = producerHint(demand.type, wiring.registry);
  wiring.problems.push(noProducer(input, expected, others, hint, node.at(["uses"])));
  return undefined;
}

/** The output that a reference names: "stage-id.port", or "stage-id" where one fits. */
function refer(
  wiring: Wiring,
  node: WireNode,
  port: string,
  demand: PortDemand,
  ref: string,
): Connection | undefined {
  const { nodes, registry, problems } = wiring;
  const location = node.at(["inputs", port]);
  const [id = "", ...rest] = ref.split(".");
  const at = nodes.findIndex((one) => one.id === id);
  if (at < 0) {
    if (nodes.every((one) => one.id !== undefined)) {
      problems.push(unknownReference(ref, id, nodes.map((one) => one.id!), location));
    }
    return undefined;
  }
  const producer = nodes[at]!.stage;
  if (producer === undefined) return undefined;
  const given = outputs(producer);
  const expected = kindName(demand.type);
  const wanted = rest.join(".");
  const fitting = given.filter(([, type]) => kindName(type) === expected);
  const named = wanted !== ""
    ? given.filter(([name]) => name === wanted)
    : fitting.length > 0
    ? fitting
    : given;
  if (named.length > 1 && fitting.length > 1) {
    const candidates = named.map(([name]) => `${id}.${name}`);
    problems.push(ambiguousInput(`${node.id}.${port}`, port, expected, candidates, location));
    return undefined;
  }
  const [output] = named;
  if (output === undefined || named.length > 1) {
    problems.push(unknownOutput(ref, id, wanted, given.map(([name]) => name), location));
    return undefined;
  }
  const [name, type] = output;
  if (kindName(type) !== expected) {
    const hint = conversionHint(type, demand.type, registry);
    problems.push(
      portMismatch(`${id}.${name}`, `${node.id}.${port}`, expected, kindName(type), hint, location),
    );
    return undefined;
  }
  return { node: at, port: name };
}

function demands(stage: AnyStage): [string, PortDemand][] {
  const ports: Record<string, Parameters<typeof portDemand>[0]> = stage.inputs;
  return Object.entries(ports).map(([name, port]) => [name, portDemand(port)]);
}

function outputs(stage: AnyStage): [string, ArtifactType<unknown>][] {
  return Object.entries(stage.outputs);
}
