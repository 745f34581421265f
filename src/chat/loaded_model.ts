/**
 * A model on the device together with all that it takes to talk to it: tokenizer, chat template,
 * its own defaults. Knows nothing of terminals or of HTTP.
 */

import type { Message } from "../data/pair.ts";
import type { GenerationDefaults } from "../models/generation/generation_defaults.ts";
import { type ModelFiles, openModelFiles } from "../models/gguf/model_files.ts";
import { loadCausalLM } from "../models/folder/load.ts";
import { openLora } from "../models/lora/source.ts";
import type { CausalLM } from "../models/model.ts";
import { type Quantization, weightBytes } from "../models/weights.ts";
import type { Device } from "../tensor/device.ts";
import type { ChatTemplate } from "../text/chat_template.ts";
import { chooseTemplate, type TemplateChoice } from "../text/choose_template.ts";
import { encodePrompt } from "../text/encode_prompt.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** How a model is loaded. */
export interface LoadModelOptions {
  /** The device that is open. */
  readonly device: Device;
  /** What writes conversations; a file's path starts at the working directory. Default "model". */
  readonly template?: TemplateChoice;
  /** How weights are kept, an adapter's apart. Default "none": float32. */
  readonly quantization?: Quantization;
}

/** A model that can be asked. */
export class LoadedModel implements Disposable {
  readonly device: Device;
  readonly model: CausalLM;
  readonly tokenizer: Tokenizer;
  /** Undefined where the model has none and none was chosen. */
  readonly template: ChatTemplate | undefined;
  readonly defaults: GenerationDefaults;

  private constructor(
    device: Device,
    parts: Pick<LoadedModel, "model" | "tokenizer" | "template" | "defaults">,
  ) {
    this.device = device;
    this.model = parts.model;
    this.tokenizer = parts.tokenizer;
    this.template = parts.template;
    this.defaults = parts.defaults;
  }

  /**
   * Loads the model of a folder or a GGUF file; text and settings first, which are quick to fail. An
   * adapter's branches are computed beside the weights, which stay as they are.
   *
   * @throws {OddsmithError} TextError, ModelError, WeightsError, DeviceError.
   */
  static async load(
    files: ModelFiles,
    { device, template = "model", quantization }: LoadModelOptions,
  ): Promise<LoadedModel> {
    const { tokenizer, defaults, checked } = await openModelFiles(files);
    const chosen = await chooseTemplate(template, tokenizer, (path) => path);
    const { adapter } = files;
    const model = await loadCausalLM(checked, {
      lora: adapter === undefined ? undefined : (base) => openLora(base, { adapter }),
      frozen: true,
      quantization,
    });
    return new LoadedModel(device, { model, tokenizer, template: chosen, defaults });
  }

  /** Tokens of prompt and answer together, at most. */
  get contextLength(): number {
    return this.model.config.maxPositionEmbeddings;
  }

  /** What the weights take, an adapter's included, in bytes. */
  get weightBytes(): number {
    return weightBytes(this.model);
  }

  /**
   * The ids that a text or a conversation is to be continued from.
   *
   * @throws {OddsmithError} TextError TEMPLATE_MISSING, TEMPLATE_RAISED, TEMPLATE_RENDER,
   * UNKNOWN_CHARACTER.
   */
  encode(prompt: string | readonly Message[]): number[] {
    return encodePrompt(this.tokenizer, prompt, { template: this.template });
  }

  /** Frees the weights. */
  [Symbol.dispose](): void {
    this.model.dispose();
  }
}
