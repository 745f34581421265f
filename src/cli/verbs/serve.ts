/** `serve`: OpenAI's API for one model, on this machine, until Ctrl-C. */

import { portRefused } from "../errors.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { FlagValues } from "../flags.ts";
import { Interrupts } from "../interrupt.ts";
import { findModel, type FoundModel, MODEL_USAGE } from "../model_argument.ts";
import { runsDirOf, runsFlags } from "../runs_flags.ts";
import { modelFlags, templateOf } from "../sampling_flags.ts";
import { type CliContext, defineVerb } from "../verb.ts";
import type { Quantization } from "../../models/weights.ts";

const flags = {
  port: {
    kind: "integer",
    value: "n",
    least: 0,
    help: "Where to listen, on 127.0.0.1; 0: any that is free (default 8080).",
  },
  "model-name": {
    kind: "text",
    value: "name",
    help: "What clients call the model (default: the folder's or file's name, or run:stage.port).",
  },
  "max-waiting": {
    kind: "integer",
    value: "n",
    least: 0,
    help: "Requests that may wait for their turn; more are refused (default 16).",
  },
  "allow-origin": {
    kind: "list",
    value: "origin",
    help: "Let pages of this origin ask, e.g. http://localhost:3000; may be repeated.",
  },
  json: { kind: "switch", help: "Write address and model as a line of JSON once it listens." },
  ...modelFlags,
  ...runsFlags,
} as const;

type Values = FlagValues<typeof flags>;

/** The verb. */
export const serveVerb = defineVerb({
  name: "serve",
  usage: `${MODEL_USAGE} [options]`,
  required: ["model"],
  most: 1,
  flags,
  examples: [
    ["serve latest --model-name mine", "Serves the last run's model at http://127.0.0.1:8080/v1."],
  ],
  async run({ flags, positionals: [which] }, context) {
    const { say } = context;
    const find = { runsDir: runsDirOf(flags), baseModel: flags["base-model"], say };
    const model = await findModel(which!, find);
    return await serveModel(context, flags, model);
  },
});

async function serveModel(
  context: CliContext,
  flags: Values,
  model: FoundModel,
): Promise<ExitCode> {
  const { openDevice } = await import("../../tensor/device.ts");
  const { LoadedModel } = await import("../../chat/loaded_model.ts");
  const { ModelServer } = await import("../../serve/server.ts");
  const device = await openDevice((flags.device ?? "auto") as Parameters<typeof openDevice>[0]);
  context.say(device.note);
  const template = await templateOf(flags.template);
  const quantization = flags.quantization as Quantization | undefined;
  using loaded = await LoadedModel.load(model, { device, template, quantization });
  const port = flags.port ?? 8080;
  const modelName = flags["model-name"] ?? model.name;
  const server = await ModelServer.listen(loaded, {
    modelName,
    port,
    maxWaiting: flags["max-waiting"] ?? 16,
    allowedOrigins: flags["allow-origin"],
    log: context.say,
  }).catch((error) => {
    throw portRefused(port, error);
  });
  using interrupts = new Interrupts(() => context.say("shutting down"));
  context.say(`serving "${modelName}" at ${server.url}; Ctrl-C ends it`);
  if (loaded.template === undefined) {
    context.say("the model has no chat template: completions alone, or name one with --template");
  }
  if (flags.json) context.write(JSON.stringify({ url: server.url, model: modelName }) + "\n");
  const { promise, resolve } = Promise.withResolvers<void>();
  interrupts.signal.addEventListener("abort", () => resolve());
  await promise;
  await server.shutdown();
  return EXIT.ok;
}
