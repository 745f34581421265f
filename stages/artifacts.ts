/**
 * The artifact types that pass between the built-in stages. A plugin imports them from mod.ts to
 * take their place or to stand between them.
 */

import { copy } from "../src/base/copy.ts";
import type { ArtifactType } from "../src/runner/contract.ts";
import { type Dataset, type DatasetDraft, datasetType } from "../src/runner/dataset.ts";
import type { PreferencePair } from "../src/data/pair.ts";
import type { TemplatedPair, TokenizedPair } from "../src/text/pair.ts";

/** Preference pairs as ingested. */
export const preferencePairs: ArtifactType<
  Dataset<PreferencePair>,
  DatasetDraft<PreferencePair>,
  "preference-pairs"
> = datasetType("preference-pairs", 1);

/** Pairs as the text the model will see. */
export const templatedPairs: ArtifactType<
  Dataset<TemplatedPair>,
  DatasetDraft<TemplatedPair>,
  "templated-pairs"
> = datasetType("templated-pairs", 1);

/** Pairs as token ids. */
export const tokenizedPairs: ArtifactType<
  Dataset<TokenizedPair>,
  DatasetDraft<TokenizedPair>,
  "tokenized-pairs"
> = datasetType("tokenized-pairs", 1);

/** A stored folder of files, read only. */
export interface Folder {
  /** Absolute. */
  readonly dir: string;
}

/** A folder to be: a function that fills an empty folder, or a folder to copy. */
export type FolderDraft = ((dir: string) => Promise<void>) | Folder;

/** A Hugging Face model folder: config.json, *.safetensors, tokenizer.json and the like. */
export const modelFolder: ArtifactType<Folder, FolderDraft, "model"> = folderType("model", 1);

/**
 * What training did: `steps.jsonl` (a row of metrics an optimizer step and an evaluation) and
 * `summary.json`.
 */
export const trainingLog: ArtifactType<Folder, FolderDraft, "training-log"> = folderType(
  "training-log",
  1,
);

/** Held-out figures: `summary.json`, `pairs.jsonl`, `generations.jsonl`. */
export const evaluation: ArtifactType<Folder, FolderDraft, "evaluation"> = folderType(
  "evaluation",
  1,
);

/** A page for people: `report.html`. */
export const reportPage: ArtifactType<Folder, FolderDraft, "report"> = folderType("report", 1);

/** A model to give away, as its formats have it; with several, a folder each. */
export const exportedModel: ArtifactType<Folder, FolderDraft, "export"> = folderType("export", 1);

/** Declares an artifact type that is simply a folder of files. */
function folderType<K extends string>(
  kind: K,
  version: number,
): ArtifactType<Folder, FolderDraft, K> {
  return {
    kind,
    version,
    write: async (draft, dir) =>
      typeof draft === "function" ? await draft(dir) : await copy(draft.dir, dir),
    read: (dir) => Promise.resolve({ dir }),
  };
}
