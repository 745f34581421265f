/**
 * `generate`: text from a model, as it comes. There is nothing to save, so that Ctrl-C may end the
 * process as it does by default (130 to a shell).
 */

import type { Message } from "../../data/pair.ts";
import type { Device } from "../../tensor/device.ts";
import { badCombination, badFlagValue, badMessages } from "../errors.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { FlagValues } from "../flags.ts";
import { modelDir } from "../model_argument.ts";
import { jsonText } from "../output.ts";
import { pipelineFlags } from "../pipeline_argument.ts";
import { runsDirOf, runsFlags } from "../runs_flags.ts";
import { type CliContext, defineVerb } from "../verb.ts";

const flags = {
  prompt: { kind: "text", value: "text", help: "What the model goes on from." },
  chat: {
    kind: "switch",
    help: "Put the prompt into the model's chat template, as a user's turn.",
  },
  messages: {
    kind: "text",
    value: "file",
    help: "A JSON file of {role, content} turns, for the chat template.",
  },
  "max-new-tokens": {
    kind: "integer",
    value: "n",
    least: 1,
    help: "At most so many tokens (default 128).",
  },
  temperature: {
    kind: "number",
    value: "t",
    least: 0,
    help: "0 takes the likeliest token (default 0).",
  },
  "top-k": {
    kind: "integer",
    value: "n",
    least: 1,
    help: "Choose among the n likeliest tokens.",
  },
  "top-p": { kind: "number", value: "p", help: "Choose among tokens that make up this share." },
  seed: { kind: "integer", value: "n", help: "Of the choices, where temperature is above 0." },
  device: { ...pipelineFlags.device, help: "Where to compute (default: auto):" },
  json: { kind: "switch", help: "Write prompt, text and ids as JSON, at the end." },
  ...runsFlags,
} as const;

type Values = FlagValues<typeof flags>;

/** The verb. */
export const generateVerb = defineVerb({
  name: "generate",
  usage: '<model folder | run[:stage.port]> --prompt "..." [options]',
  required: ["model"],
  most: 1,
  flags,
  examples: [
    ['generate latest --chat --prompt "Name a colour."', "Asks the model of the newest run."],
    ['generate ./models/base --prompt "Once upon a time" --temperature 0.8 --seed 7', "Samples."],
  ],
  async run({ flags, positionals: [which] }, context) {
    checkRanges(flags);
    const prompt = await promptOf(flags);
    const dir = await modelDir(which!, runsDirOf(flags));
    const { openDevice } = await import("../../tensor/device.ts");
    const device = await openDevice((flags.device ?? "auto") as Parameters<typeof openDevice>[0]);
    context.say(device.note);
    return await generateText(context, flags, { dir, prompt, device });
  },
});

async function generateText(
  context: CliContext,
  flags: Values,
  { dir, prompt, device }: { dir: string; prompt: string | Message[]; device: Device },
): Promise<ExitCode> {
  const { loadTokenizer } = await import("../../text/tokenizer.ts");
  const { encodePrompt } = await import("../../text/encode_prompt.ts");
  const { TextStreamer } = await import("../../text/text_streamer.ts");
  const { loadCausalLM } = await import("../../models/load.ts");
  const { generate } = await import("../../models/generate.ts");
  const tokenizer = await loadTokenizer(dir);
  if (typeof prompt !== "string" && tokenizer.chatTemplate === undefined) {
    throw badCombination(
      "Cannot write a conversation: the model has no chat template",
      "give --prompt without --chat",
    );
  }
  const promptIds = encodePrompt(tokenizer, prompt);
  const streamer = new TextStreamer(tokenizer, { promptIds });
  const model = await loadCausalLM(dir);
  const began = performance.now();
  let text = "";
  const show = (piece: string) => {
    text += piece;
    if (!flags.json) context.write(piece);
  };
  let ids: number[];
  try {
    ids = await generate(model, promptIds, {
      maxNewTokens: flags["max-new-tokens"] ?? 128,
      temperature: flags.temperature,
      topK: flags["top-k"],
      topP: flags["top-p"],
      seed: flags.seed,
      eosTokenIds: tokenizer.eosTokenIds,
      onToken: (id) => show(streamer.push(id)),
    });
    device.checkFailed();
  } catch (error) {
    throw await device.explain(error);
  } finally {
    model.dispose();
  }
  show(streamer.end());
  if (flags.json) context.write(jsonText({ prompt, promptIds, text, ids }));
  else context.write("\n");
  const seconds = (performance.now() - began) / 1000;
  context.say(`${ids.length} tokens, ${(ids.length / seconds).toFixed(1)} tokens/s`);
  return EXIT.ok;
}

function checkRanges(flags: Values): void {
  const { temperature, seed } = flags;
  const topP = flags["top-p"];
  if (topP !== undefined && !(topP > 0 && topP <= 1)) {
    throw badFlagValue("top-p", "a number above 0, up to 1", String(topP));
  }
  const samples = temperature !== undefined && temperature > 0;
  if (!samples && (topP !== undefined || flags["top-k"] !== undefined || seed !== undefined)) {
    throw badCombination(
      "Cannot use --top-k, --top-p or --seed at temperature 0: nothing is chosen at random",
      "add --temperature 0.8, say",
    );
  }
}

async function promptOf(flags: Values): Promise<string | Message[]> {
  const { prompt, messages, chat } = flags;
  if ((prompt === undefined) === (messages === undefined)) {
    throw badCombination("Cannot generate: give either --prompt or --messages");
  }
  if (prompt !== undefined) return chat ? [{ role: "user", content: prompt }] : prompt;
  return await readMessagesFile(messages!);
}

async function readMessagesFile(file: string): Promise<Message[]> {
  const { readMessages } = await import("../../data/messages.ts");
  try {
    return readMessages(JSON.parse(await Deno.readTextFile(file)), "messages");
  } catch (error) {
    throw badMessages(file, error instanceof Error ? error.message : String(error));
  }
}
