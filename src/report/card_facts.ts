/**
 * What a run knows of a model that it trained: what it began as, on which data, how. Read off the
 * run's pipeline and its stages' records, from the model's stage back along the inputs; a part that
 * nothing tells is absent.
 */

import { basename } from "@std/path";
import type { Json, JsonObject } from "../base/json.ts";

/** The model that training started from. */
export interface CardBase {
  /** "owner/name", a local model's own name, or what was made from a seed. */
  name: string;
  /** A commit or a revision, of a repository. */
  revision?: string;
  /** Whether the name is a repository's of the hub. */
  isRepository: boolean;
  /** Whether the training began with it as it is: no adapter merged before, no training between. */
  isDirect: boolean;
}

/** The pairs that a model was trained on. */
export interface CardData {
  /** Repositories and files, without the folders that a machine has them in. */
  sources: string[];
  /** Those that are the hub's: "owner/name". */
  repositories: string[];
  /** What ingesting and each stage after it recorded, by the stage's name. */
  stages: { name: string; options: JsonObject; facts: JsonObject }[];
}

/** A training: the options of its stage and what it recorded. */
export interface CardTraining {
  /** The stage's name, e.g. "orpo". */
  stage: string;
  /** Defaults included. */
  options: JsonObject;
  /** Steps, pairs, device, objective. */
  facts: JsonObject;
}

/** What a run knows of a model. */
export interface CardFacts {
  /** The pipeline's name. */
  pipeline?: string;
  /** The run's. */
  seed?: number;
  /** What the model began as. */
  base?: CardBase;
  /** Absent where the model was not trained. */
  training?: CardTraining;
  /** Absent where the model was not trained. */
  data?: CardData;
}

/** A run's pipeline.json, and what its stages recorded, by id. */
export interface CardRun {
  readonly pipeline: JsonObject;
  readonly records: Readonly<Record<string, JsonObject>>;
}

/** Gives what a run knows of the model that the stage `modelStage` gave. */
export function cardFacts({ pipeline, records }: CardRun, modelStage: string): CardFacts {
  const stages = new Map(
    ((pipeline.stages ?? []) as JsonObject[]).map((stage) => [String(stage.id), stage]),
  );
  const chain = (id: string, port: string): JsonObject[] => {
    const stage = stages.get(id);
    if (!stage) return [];
    const from = (stage.inputs as JsonObject)[port];
    return typeof from === "string" ? [stage, ...chain(from.split(".")[0]!, port)] : [stage];
  };
  const recordOf = (stage: JsonObject) => records[String(stage.id)] ?? {};
  const models = chain(modelStage, "model");
  const origin = models.at(-1);
  const trainer = models.find((stage) => "objective" in recordOf(stage));
  const isNext = trainer !== undefined && models.indexOf(trainer) === models.length - 2;
  const pairs = trainer ? chain(String(trainer.id), "pairs").slice(1).reverse() : [];
  return {
    ...(typeof pipeline.name === "string" ? { pipeline: pipeline.name } : {}),
    ...(typeof pipeline.seed === "number" ? { seed: pipeline.seed } : {}),
    ...(origin ? baseOf(origin.config as JsonObject, recordOf(origin), isNext) : {}),
    ...(trainer
      ? {
        training: {
          stage: String(trainer.stage),
          options: trainer.config as JsonObject,
          facts: recordOf(trainer),
        },
      }
      : {}),
    ...(pairs.length > 0
      ? { data: dataOf(pairs.map((stage) => ({ stage, facts: recordOf(stage) }))) }
      : {}),
  };
}

function baseOf(options: JsonObject, facts: JsonObject, isNext: boolean): { base?: CardBase } {
  const isDirect = isNext && options.adapter === undefined;
  if (typeof facts.repository === "string") {
    const { name, revision } = repositoryOf(facts.repository);
    const commit = typeof facts.commit === "string" ? facts.commit : revision;
    return { base: { name, revision: commit, isRepository: true, isDirect } };
  }
  if (typeof options.from === "string") {
    return { base: { name: basename(options.from), isRepository: false, isDirect } };
  }
  if (options.init !== undefined) {
    return { base: { name: "a new model from a seed", isRepository: false, isDirect } };
  }
  return {};
}

/** Takes "hf://owner/name@revision" or "hf://datasets/owner/name@revision" apart. */
export function repositoryOf(reference: string): { name: string; revision?: string } {
  const [name, revision] = reference.replace(/^hf:\/\/(datasets\/)?/, "").split("@");
  return { name: name!, revision };
}

function dataOf(stages: readonly { stage: JsonObject; facts: JsonObject }[]): CardData {
  const { facts } = stages[0]!;
  const repositories = listOf(facts.repositories)
    .map((one) => repositoryOf(String((one as JsonObject).repository)).name);
  const files = listOf(facts.sources)
    .flatMap((source) => listOf((source as JsonObject).files).map(String))
    .filter((file) => !repositories.some((name) => file.startsWith(`${name}/`)))
    .map((file) => basename(file));
  return {
    repositories,
    sources: [...new Set([...repositories, ...files])],
    stages: stages.map(({ stage, facts }) => ({
      name: String(stage.stage),
      options: stage.config as JsonObject,
      facts,
    })),
  };
}

function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}
