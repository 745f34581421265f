/**
 * `export`: a run's model, or any other that verbs take, as others take it. What the stage "export"
 * does in a pipeline, by hand.
 */

import { basename, join, resolve } from "@std/path";
import { z } from "zod";
import type { ExportedPart } from "../../models/export/export_model.ts";
import type { Placement } from "../../models/export/place.ts";
import { isAdapterFolder } from "../../models/lora/folder.ts";
import { shownPath } from "../../runner/load/pipeline_source.ts";
import { describeExport } from "../../../stages/export_card.ts";
import { type ExportOptions, exportOptions } from "../../../stages/export_options.ts";
import { badCombination, badFlagValue } from "../errors.ts";
import { EXIT } from "../exit_code.ts";
import { inModelFolder } from "../export_folder.ts";
import { modelStory } from "../export_source.ts";
import type { FlagValues } from "../flags.ts";
import { Interrupts } from "../interrupt.ts";
import { findModel, type FoundModel, MODEL_USAGE } from "../model_argument.ts";
import { jsonText } from "../output.ts";
import { type ProgressView, progressView } from "../progress.ts";
import { runsDirOf, runsFlags } from "../runs_flags.ts";
import { type CliContext, defineVerb } from "../verb.ts";

const flags = {
  to: { kind: "text", value: "path", help: "The folder to write, or a file that ends in .gguf." },
  format: {
    kind: "list",
    value: "name",
    help: "What to write, may be repeated (default: huggingface, or gguf for a .gguf file):",
    choices: ["huggingface", "adapter", "gguf"],
  },
  dtype: {
    kind: "text",
    value: "type",
    help: "Numbers of folder and adapter (default: float32):",
    choices: ["float32", "float16", "bfloat16"],
  },
  "gguf-type": {
    kind: "list",
    value: "type",
    help: "Numbers of the GGUF file, may be repeated (default: F16):",
    choices: ["F32", "F16", "BF16", "Q8_0"],
  },
  "max-shard-size": {
    kind: "text",
    value: "size",
    help: "Most bytes of weights in one file of the folder (default: 5GB).",
  },
  name: { kind: "text", value: "name", help: "The model's name, in its card and in GGUF files." },
  "base-model": {
    kind: "text",
    value: "name",
    help: "The hub's name of the model that training started from: owner/name@revision. Of an " +
      "adapter folder: what it is laid over, any model.",
  },
  license: { kind: "text", value: "id", help: "License of the card, e.g. apache-2.0." },
  force: { kind: "switch", help: "Replace what is there, whatever it is." },
  json: { kind: "switch", help: "Write what was exported as JSON." },
  ...runsFlags,
} as const;

type Values = FlagValues<typeof flags>;

/** The verb. */
export const exportVerb = defineVerb({
  name: "export",
  usage: `${MODEL_USAGE} --to <folder | file.gguf> [options]`,
  required: ["model"],
  most: 1,
  flags,
  examples: [
    ["export latest --to ./aligned --dtype bfloat16", "Writes a folder for transformers."],
    ["export latest --to ./aligned.gguf --gguf-type Q8_0", "Writes a file for llama.cpp."],
    ["export latest --to ./adapter --format adapter", "Writes a LoRA run's adapter for PEFT."],
    ["export ./adapter --to ./merged", "Writes a base with an adapter merged into it."],
  ],
  async run({ flags, positionals: [which] }, context) {
    const isAdapter = await isAdapterFolder(which!);
    const options = optionsOf(flags, isAdapter);
    const target = targetOf(flags);
    const isFile = isGguf(target);
    if (isFile) await checkOneFile(target, options);
    const model = await findModel(which!, {
      runsDir: runsDirOf(flags),
      baseModel: isAdapter ? flags["base-model"] : undefined,
      say: context.say,
    });
    const described = await describeExport(options, await modelStory(model));
    const placement = { target, model: pathsOf(model), force: flags.force, isFile };
    using interrupts = new Interrupts(() => context.say("Stopping: removing what was written"));
    const { signal } = interrupts;
    try {
      const parts = await writeExport(context, { model, placement, signal, ...described });
      if (flags.json) context.write(jsonText({ target, exports: parts }));
      for (const part of parts) context.say(partText(part));
      context.say(`exported to ${shownPath(target, Deno.cwd())}`);
      return EXIT.ok;
    } catch (error) {
      if (!signal.aborted) throw error;
      context.say("stopped; nothing was exported");
      return EXIT.interrupted;
    }
  },
});

interface Task extends Awaited<ReturnType<typeof describeExport>> {
  model: FoundModel;
  placement: Placement;
  signal: AbortSignal;
}

/** Checks, writes, compares and puts in place. */
async function writeExport(
  context: CliContext,
  { model, placement, signal, settings, card }: Task,
): Promise<ExportedPart[]> {
  const { checkExport, countExport, exportModel, ggufFileName } = await import(
    "../../models/export/export_model.ts"
  );
  const { checkPlacement, placeExport } = await import("../../models/export/place.ts");
  const { target, isFile } = placement;
  await checkPlacement(placement);
  const { say } = context;
  return await inModelFolder(model, { target, settings, signal, say }, async (modelDir) => {
    await checkExport(modelDir, settings);
    const total = await countExport(modelDir, settings);
    using view = progressView((text) => context.show(text));
    const watch = { signal, onTensor: tensorProgress(view, total) };
    return await placeExport(placement, async (dir) => {
      const parts = await exportModel(modelDir, dir, settings, card, watch);
      if (isFile) {
        const written = ggufFileName(settings.name, settings.ggufTypes[0]!);
        await Deno.rename(join(dir, written), join(dir, basename(target)));
      }
      return parts;
    });
  });
}

/** All that the model is made of. */
function pathsOf({ path, adapter }: FoundModel): string[] {
  return [path, ...adapter === undefined ? [] : [adapter]].map((one) => resolve(one));
}

/**
 * The flags as the stage's options, checked by its schema. What an adapter is laid over is looked
 * for as a model, and may be any.
 */
function optionsOf(flags: Values, isAdapter: boolean): ExportOptions {
  const given = {
    format: flags.format ?? (isGguf(flags.to ?? "") ? "gguf" : undefined),
    dtype: flags.dtype,
    maxShardSize: flags["max-shard-size"],
    ggufType: flags["gguf-type"],
    name: flags.name,
    baseModel: isAdapter ? undefined : flags["base-model"],
    license: flags.license,
  };
  const parsed = z.strictObject(exportOptions).safeParse(given);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const option = String(path[0]);
  const flag = option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const wanted = message.replace(/^expected /, "");
  throw badFlagValue(flag, wanted, String(given[option as keyof typeof given]));
}

function targetOf({ to }: Values): string {
  if (to !== undefined) return resolve(to);
  throw badCombination("Cannot export: --to is missing", "add --to <folder | file.gguf>");
}

function isGguf(path: string): boolean {
  return path.toLowerCase().endsWith(".gguf");
}

async function checkOneFile(target: string, { format, ggufType }: ExportOptions): Promise<void> {
  const { needsFolder } = await import("../../models/export/errors.ts");
  if (format.join() !== "gguf") throw needsFolder(target, format.join(" and "));
  if (ggufType.length > 1) throw needsFolder(target, `as ${ggufType.join(" and ")}`);
}

function tensorProgress({ sink }: ProgressView, total: number) {
  let done = 0;
  sink({ type: "stage-start", stageId: "export", index: 0, count: 1, reason: "asked for" });
  return (what: string, name: string): void => {
    done = Math.min(done + 1, total);
    const progress = { unit: "tensors", done, total, note: `${what} ${name}` };
    sink({ type: "progress", stageId: "export", progress });
  };
}

function partText({ format, dtype, tensors, largestError }: ExportedPart): string {
  const rounding = largestError === 0 ? "equal" : `off by at most ${largestError.toExponential(2)}`;
  return `${format}, ${dtype}: ${tensors} tensors compared with the model, ${rounding}`;
}
