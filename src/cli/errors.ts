/** The errors of the command line itself: a verb, flag or argument that cannot be what was meant. */

import { OddsmithError } from "../base/error.ts";
import { suggest } from "../base/suggest.ts";

function usageError(code: string, message: string, hint?: string, file?: string): OddsmithError {
  const location = file === undefined ? undefined : { file };
  return new OddsmithError("UsageError", code, message, { hint, location });
}

/** The first word is no verb and no file. */
export function unknownVerb(word: string, known: readonly string[]): OddsmithError {
  return usageError(
    "UNKNOWN_VERB",
    `Cannot run "${word}": it is neither a verb nor a pipeline file`,
    suggest(word, known, "verbs"),
  );
}

/** A flag the verb does not have; `word` has its dashes. */
export function unknownFlag(word: string, verb: string, known: readonly string[]): OddsmithError {
  return usageError(
    "UNKNOWN_FLAG",
    `Cannot use "${word}": "${verb}" has no such option`,
    suggest(word.replace(/^-+/, ""), known, "options"),
  );
}

/** A flag that takes a value came without one. */
export function missingFlagValue(flag: string, valueName: string): OddsmithError {
  return usageError(
    "FLAG_VALUE",
    `Cannot use "--${flag}": expected a value (${valueName}), received none`,
    `write --${flag}=<${valueName}>`,
  );
}

/** A flag's value is of the wrong sort. */
export function badFlagValue(flag: string, wanted: string, received: string): OddsmithError {
  return usageError(
    "FLAG_VALUE",
    `Cannot use "--${flag}": expected ${wanted}, received "${received}"`,
  );
}

/** A flag's value is not one of those there are. */
export function unknownChoice(
  flag: string,
  received: string,
  choices: readonly string[],
): OddsmithError {
  return usageError(
    "FLAG_VALUE",
    `Cannot use "--${flag}": no such value "${received}"`,
    suggest(received, choices, "values"),
  );
}

/** Too few arguments. */
export function missingArgument(verb: string, usage: string, what: string): OddsmithError {
  return usageError("ARGUMENTS", `Cannot run "${verb}": ${what} is missing`, `usage: ${usage}`);
}

/** Too many arguments. */
export function extraArgument(verb: string, usage: string, argument: string): OddsmithError {
  return usageError(
    "ARGUMENTS",
    `Cannot run "${verb}": unexpected argument "${argument}"`,
    `usage: ${usage}`,
  );
}

/** `new` was asked for something it has no skeleton of. */
export function unknownSkeleton(received: string, known: readonly string[]): OddsmithError {
  return usageError(
    "ARGUMENTS",
    `Cannot make a new "${received}"`,
    suggest(received, known, "what there is"),
  );
}

/** Flags or arguments that do not go together, or that miss each other. */
export function badCombination(message: string, hint?: string): OddsmithError {
  return usageError("ARGUMENTS", message, hint);
}

/** `new` would overwrite a file. */
export function fileExists(path: string): OddsmithError {
  return usageError(
    "FILE_EXISTS",
    `Cannot create "${path}": it is there already`,
    "choose another name, or remove the file first",
  );
}

/** A file that was to be written cannot be. */
export function fileNotWritten(path: string, cause: unknown): OddsmithError {
  const reason = cause instanceof Deno.errors.NotFound
    ? "its folder does not exist"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return usageError("FILE_NOT_WRITTEN", `Cannot write "${path}": ${reason}`);
}

/** A data set has no row of that number or id. */
export function unknownRow(row: string, split: string, count: number): OddsmithError {
  return usageError(
    "ARGUMENTS",
    `Cannot find row "${row}" in the split "${split}": it has ${count} rows`,
    "--row takes a row's number, from 1, or its id; --split takes train or eval",
  );
}

/** A run, or an artifact of it, that is no model. */
export function noModelInRun(which: string): OddsmithError {
  return usageError(
    "ARGUMENTS",
    `Cannot use "${which}": it holds no model`,
    "give a model folder, a GGUF file, a run that trained one, run:stage.port, or owner/name of " +
      "the hub",
  );
}

/** A folder that is neither a model's nor a run's; it may hold GGUF files. */
export function noModelInFolder(dir: string, ggufFiles: readonly string[] = []): OddsmithError {
  return usageError(
    "ARGUMENTS",
    `Cannot use "${dir}": the folder has neither a config.json nor a run's manifest.json`,
    ggufFiles.length > 0
      ? `name the file: ${ggufFiles.slice(0, 3).join(", ")}`
      : "give a Hugging Face model folder, a PEFT adapter folder, a run that trained a model, or " +
        "run:stage.port",
  );
}

/** A GGUF file that is not there. */
export function noModelFile(file: string): OddsmithError {
  return usageError(
    "ARGUMENTS",
    `Cannot use "${file}": there is no such file`,
    "give the path of a GGUF file on this machine, or of the hub: hf://owner/name/file.gguf",
  );
}

/** `--base-model` with a model that is no adapter. */
export function baseOfWhole(which: string): OddsmithError {
  return usageError(
    "ARGUMENTS",
    `Cannot use "--base-model": "${which}" is not a PEFT adapter folder`,
    "leave it out; to let another model answer beside it, write --base=<model>",
  );
}

const NAME_THE_BASE = `name it: --base-model <folder | file.gguf | run:stage.port | owner/name>`;

/** An adapter whose configuration does not say what it is over. */
export function adapterWithoutBase(configFile: string): OddsmithError {
  return usageError(
    "ARGUMENTS",
    "Cannot find the adapter's base model: its configuration has no base_model_name_or_path",
    NAME_THE_BASE,
    configFile,
  );
}

/** An adapter whose base is at none of the places that its configuration may mean. */
export function baseNotFound(
  configFile: string,
  name: string,
  tried: readonly string[],
): OddsmithError {
  return usageError(
    "ARGUMENTS",
    `Cannot find the adapter's base model "${name}": there is no model at ` +
      `${tried.map((path) => `"${path}"`).join(" or ")}, and it is no owner/name of the hub`,
    NAME_THE_BASE,
    configFile,
  );
}

/** An adapter whose base the hub does not give. */
export function baseNotFetched(
  configFile: string,
  name: string,
  cause: OddsmithError,
): OddsmithError {
  return new OddsmithError(
    cause.kind,
    cause.code,
    `Cannot find the adapter's base model "${name}": ${cause.message}`,
    {
      location: { file: configFile },
      hint: `${cause.hint === undefined ? "" : `${cause.hint}; or `}${NAME_THE_BASE}`,
      cause,
    },
  );
}

/** An adapter whose base is an adapter too. */
export function adapterOnAdapter(configFile: string, base: string): OddsmithError {
  return usageError(
    "ARGUMENTS",
    `Cannot lay the adapter over "${base}": that is an adapter itself`,
    "merge that one first, export <adapter folder> --to <folder>, and name the folder with " +
      "--base-model",
    configFile,
  );
}

/** `--base` alone, where no run says which model that is. */
export function noBaseModel(model: string): OddsmithError {
  return usageError(
    "ARGUMENTS",
    `Cannot use "--base": nothing says which model "${model}" was made from`,
    "name it: --base=<folder | file.gguf | run:stage.port | owner/name>",
  );
}

/** A conversation without a template to write it by. */
export function noTemplate(): OddsmithError {
  return usageError(
    "ARGUMENTS",
    "Cannot write a conversation: the model has no chat template",
    "name one with --template (alpaca, chatml, llama2, plain, or a Jinja file), or do without --chat",
  );
}

/** A file with a prompt that cannot be read. */
export function promptNotRead(file: string, cause: unknown): OddsmithError {
  const reason = cause instanceof Deno.errors.NotFound
    ? "no such file"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return usageError("ARGUMENTS", `Cannot read the prompt in "${file}": ${reason}`);
}

/** A port that cannot be listened on. */
export function portRefused(port: number, cause: unknown): OddsmithError {
  const code = (cause as { code?: unknown } | null)?.code;
  const reason = code === "EADDRINUSE" || cause instanceof Deno.errors.AddrInUse
    ? "another program listens there"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return usageError(
    "PORT",
    `Cannot listen on port ${port}: ${reason}`,
    "give another with --port; 0 takes any that is free",
  );
}

/** A file of messages that is not a list of {role, content}. */
export function badMessages(file: string, reason: string): OddsmithError {
  return usageError(
    "ARGUMENTS",
    `Cannot read the messages in "${file}": ${reason}`,
    'write [{"role": "user", "content": "..."}]',
  );
}
