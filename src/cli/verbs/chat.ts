/** `chat`: turns with a model, or with two side by side, until the input ends. */

import { format as formatBytes } from "@std/fmt/bytes";
import { ChatTerminal, type Partner } from "../chat_terminal.ts";
import { noTemplate } from "../errors.ts";
import type { ExitCode } from "../exit_code.ts";
import type { FlagValues } from "../flags.ts";
import { findBase, findModel, type FoundModel, MODEL_USAGE } from "../model_argument.ts";
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
  system: { kind: "text", value: "text", help: "What the model is told before all turns." },
  ...samplingFlags,
  base: {
    kind: "switch-or-text",
    value: "model",
    help:
      "Let the model that training began with, an adapter's base, or the one named answer first.",
  },
  ...modelFlags,
  ...runsFlags,
} as const;

type Values = FlagValues<typeof flags>;

/** The verb. */
export const chatVerb = defineVerb({
  name: "chat",
  usage: `${MODEL_USAGE} [options]`,
  required: ["model"],
  most: 1,
  flags,
  examples: [
    ['chat latest --system "Be brief."', "Talks to the model of the newest run."],
    ["chat latest --base", "Shows the answers before and after training."],
    ["chat ./model.Q4_1.gguf", "Talks to a GGUF file's model."],
  ],
  async run({ flags, positionals: [which] }, context) {
    checkSamplingFlags(flags);
    const { say } = context;
    const find = { runsDir: runsDirOf(flags), baseModel: flags["base-model"], say };
    const tuned = await findModel(which!, find);
    const base = flags.base && await findBase(flags.base, tuned, find);
    return await chatWith(context, flags, base ? [base, tuned] : [tuned]);
  },
});

async function chatWith(
  context: CliContext,
  flags: Values,
  models: readonly FoundModel[],
): Promise<ExitCode> {
  const { openDevice } = await import("../../tensor/device.ts");
  const { LoadedModel } = await import("../../chat/loaded_model.ts");
  const { Conversation } = await import("../../chat/conversation.ts");
  const device = await openDevice((flags.device ?? "auto") as Parameters<typeof openDevice>[0]);
  context.say(device.note);
  const template = await templateOf(flags.template);
  const quantization = flags.quantization as Quantization | undefined;
  using stack = new DisposableStack();
  const partners: Partner[] = [];
  let weightBytes = 0;
  for (const model of models) {
    const loaded = stack.use(await LoadedModel.load(model, { device, template, quantization }));
    if (loaded.template === undefined) throw noTemplate();
    weightBytes += loaded.weightBytes;
    const conversation = stack.use(new Conversation(loaded, flags.system));
    partners.push({ name: model.name, conversation, options: samplingOf(flags, loaded) });
  }
  const names = models.map(({ name }) => name).join(" and ");
  const memory = formatBytes(weightBytes, { binary: true });
  context.say(`${names}, weights of ${memory} on the device; /help lists the commands`);
  return await new ChatTerminal(context, partners).run();
}
