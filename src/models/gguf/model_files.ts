/**
 * A model by the files that make it up, of whichever kind: a Hugging Face folder or a GGUF file, and
 * perhaps a PEFT adapter over it. The one place that asks which kind it is; it decides no names.
 */

import { basename, join } from "@std/path";
import { parseTokenizerFiles } from "../../text/tokenizer_files.ts";
import { loadTokenizer, type Tokenizer, tokenizerOf } from "../../text/tokenizer.ts";
import { modelFiles } from "../folder/files.ts";
import {
  type GenerationDefaults,
  generationDefaults,
  readGenerationDefaults,
} from "../generation/generation_defaults.ts";
import { type CheckedModel, checkModelFolder } from "../folder/load.ts";
import { mergeAdapter } from "../lora/source.ts";
import { folderTexts, importGguf, openGgufModel } from "./import_gguf.ts";
import { isGgufPath } from "./path.ts";

/** Where a model's files are. */
export interface ModelFiles {
  /** A Hugging Face folder, or a GGUF file. */
  readonly path: string;
  /** Folder of a PEFT LoRA adapter of that model. */
  readonly adapter?: string;
}

/** A model whose files were read, weights aside. */
export interface OpenedModel {
  readonly tokenizer: Tokenizer;
  readonly defaults: GenerationDefaults;
  /** Of the base, where there is an adapter. */
  readonly checked: CheckedModel;
}

/**
 * Reads a model's text side and settings, and checks its weights by their headers. An adapter is
 * the loader's: it has neither.
 *
 * @throws {OddsmithError} As `loadTokenizer`, `readGenerationDefaults` and `checkModelFolder`, or
 * as `openGgufModel`.
 */
export async function openModelFiles({ path }: ModelFiles): Promise<OpenedModel> {
  if (!isGgufPath(path)) {
    return {
      tokenizer: await loadTokenizer(path),
      defaults: await readGenerationDefaults(path),
      checked: await checkModelFolder(path),
    };
  }
  const model = await openGgufModel(path);
  return {
    tokenizer: tokenizerOf(parseTokenizerFiles(() => path, folderTexts(model))),
    defaults: generationDefaults({ file: path, json: model.generationConfig }),
    checked: model.checked,
  };
}

/**
 * Writes a model as one Hugging Face folder: a folder's files as they are; of a GGUF file, or with
 * an adapter, which is merged, weights in float32.
 *
 * @param dir An existing folder.
 * @throws {OddsmithError} As `modelFiles`, `importGguf` and `mergeAdapter`.
 */
export async function writeModelFiles(
  { path, adapter }: ModelFiles,
  dir: string,
  signal?: AbortSignal,
): Promise<void> {
  if (isGgufPath(path)) return await importGguf(path, dir, { adapter, signal });
  if (adapter !== undefined) return await mergeAdapter(path, adapter, dir, signal);
  for (const file of await modelFiles(path)) {
    signal?.throwIfAborted();
    await Deno.copyFile(file, join(dir, basename(file)));
  }
}
