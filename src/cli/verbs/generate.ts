/**
 * `generate`: text from a model, as it comes. There is nothing to save, so that Ctrl-C may end the
 * process as it does by default (130 to a shell).
 */

import { format as formatBytes } from "@std/fmt/bytes";
import type { Answer } from "../../chat/answer.ts";
import type { Message } from "../../data/pair.ts";
import type { Device } from "../../tensor/device.ts";
import { noTemplate } from "../errors.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { FlagValues } from "../flags.ts";
import { findBase, findModel, type FoundModel, MODEL_USAGE } from "../model_argument.ts";
import { jsonText } from "../output.ts";
import { promptFlags, readPrompt } from "../prompt_argument.ts";
import { runsDirOf, runsFlags } from "../runs_flags.ts";
import {
  checkSamplingFlags,
  modelFlags,
  samplingFlags,
  samplingOf,
  templateOf,
} from "../sampling_flags.ts";
import { type CliContext, defineVerb } from "../verb.ts";
import type { Quantization } from "../../models/weights.ts";

const flags = {
  ...promptFlags,
  ...samplingFlags,
  base: {
    kind: "switch-or-text",
    value: "model",
    help:
      "Let the model that training began with, an adapter's base, or the one named answer first.",
  },
  stream: { kind: "switch", help: "Write text as it comes, where stdout is no terminal too." },
  json: { kind: "switch", help: "Write prompt, text, ids and what ended it as JSON, at the end." },
  ...modelFlags,
  ...runsFlags,
} as const;

type Values = FlagValues<typeof flags>;

/** The verb. */
export const generateVerb = defineVerb({
  name: "generate",
  usage: `${MODEL_USAGE} --prompt "..." [options]`,
  required: ["model"],
  most: 1,
  flags,
  examples: [
    [
      'generate latest --chat --prompt "Name a colour." --base',
      "Asks both models of the last run.",
    ],
    ['generate ./models/base --prompt "Once upon a time" --temperature 0.8 --seed 7', "Samples."],
    ['generate ./model.Q4_1.gguf --chat --prompt "Name a colour."', "Asks a GGUF file's model."],
    [
      'generate ./adapter --base-model ./models/base --chat --prompt "Hello" --base',
      "Asks a base and the same with an adapter over it.",
    ],
  ],
  async run({ flags, positionals: [which] }, context) {
    checkSamplingFlags(flags);
    const prompt = await readPrompt(flags, context);
    const { say } = context;
    const find = { runsDir: runsDirOf(flags), baseModel: flags["base-model"], say };
    const tuned = await findModel(which!, find);
    const base = flags.base && await findBase(flags.base, tuned, find);
    const { openDevice } = await import("../../tensor/device.ts");
    const device = await openDevice((flags.device ?? "auto") as Parameters<typeof openDevice>[0]);
    context.say(device.note);
    return await generateTexts(context, flags, {
      models: base ? [base, tuned] : [tuned],
      prompt,
      device,
    });
  },
});

interface Task {
  /** Asked one after the other; the last is the one that the verb is about. */
  models: readonly FoundModel[];
  prompt: string | Message[];
  device: Device;
}

async function generateTexts(
  context: CliContext,
  flags: Values,
  { models, prompt, device }: Task,
): Promise<ExitCode> {
  const written: object[] = [];
  for (const model of models) {
    if (models.length > 1 && !flags.json) context.write(`== ${model.name}\n`);
    written.push(await generateText(context, flags, { model, prompt, device }));
  }
  if (flags.json) {
    const [base, tuned] = written.length > 1 ? written : [undefined, ...written];
    context.write(jsonText({ prompt, ...tuned, ...(base ? { base } : {}) }));
  }
  return EXIT.ok;
}

async function generateText(
  context: CliContext,
  flags: Values,
  { model, prompt, device }: { model: FoundModel; prompt: string | Message[]; device: Device },
): Promise<object> {
  const { LoadedModel } = await import("../../chat/loaded_model.ts");
  const { answer } = await import("../../chat/answer.ts");
  device.memory.restart();
  const template = await templateOf(flags.template);
  const quantization = flags.quantization as Quantization | undefined;
  using loaded = await LoadedModel.load(model, { device, template, quantization });
  if (typeof prompt !== "string" && loaded.template === undefined) throw noTemplate();
  const sampling = samplingOf(flags, loaded);
  const promptIds = loaded.encode(prompt);
  const streams = !flags.json && (flags.stream || context.isTerminal);
  const began = performance.now();
  const given = await answer(loaded, promptIds, {
    ...sampling,
    onToken: () => device.memory.note(),
    onText: streams ? (text) => context.write(text) : undefined,
  });
  if (!flags.json) context.write(streams ? "\n" : given.text + "\n");
  context.say(figures(given, device, performance.now() - began));
  const { text, ids, end } = given;
  return { model: model.name, promptIds, text, ids, end };
}

/** How it went: tokens, what ended the text, speed, memory. */
function figures({ ids, end }: Answer, device: Device, elapsedMs: number): string {
  const rate = (ids.length / elapsedMs * 1000).toFixed(1);
  const memory = formatBytes(device.memory.peakBytes(), { binary: true });
  return `${ids.length} tokens (${end}), ${rate} tokens/s, ${memory} at most`;
}
