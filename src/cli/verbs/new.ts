/** `new`: writes the skeleton of a stage with its test, or of a pipeline. */

import { dirname, extname, resolve } from "@std/path";
import { badCombination, fileExists, fileNotWritten, unknownSkeleton } from "../errors.ts";
import { EXIT } from "../exit_code.ts";
import type { FlagValues } from "../flags.ts";
import { commandLine } from "../../base/command_line.ts";
import { programName } from "../invocation.ts";
import { PIPELINE_FORMATS, type PipelineFormat, pipelineSkeleton } from "../scaffold/pipeline.ts";
import { configFlag, nameOf } from "../scaffold/place.ts";
import { stageSkeleton } from "../scaffold/stage.ts";
import { writeFileAtomic } from "../../base/atomic.ts";
import { type CliContext, defineVerb } from "../verb.ts";

const flags = {
  format: {
    kind: "text",
    value: "form",
    help: "Of a pipeline (default: by the file's name):",
    choices: PIPELINE_FORMATS,
  },
  model: { kind: "text", value: "folder", help: "A pipeline's model (default: ./models/base)." },
  data: { kind: "text", value: "file", help: "A pipeline's pairs (default: ./data/pairs.jsonl)." },
} as const;

/** The verb. */
export const newVerb = defineVerb({
  name: "new",
  usage: "<stage | pipeline> <file> [options]",
  required: ["stage or pipeline", "file"],
  most: 2,
  flags,
  examples: [
    ["new stage plugins/shuffle.ts", "Writes plugins/shuffle.ts and plugins/shuffle_test.ts."],
    ["new pipeline mine.yaml --model ./base --data ./pairs.csv", "Writes a pipeline file."],
  ],
  async run({ flags, positionals: [what, file] }, context) {
    if (what !== "stage" && what !== "pipeline") {
      throw unknownSkeleton(what!, ["stage", "pipeline"]);
    }
    if (nameOf(file!) === "") {
      throw badCombination(`Cannot make a name of "${file}": it has no letters`);
    }
    if (what === "stage") await newStage(file!, flags, context);
    else await newPipeline(file!, flags, context);
    return EXIT.ok;
  },
});

async function newStage(
  file: string,
  { format, model, data }: FlagValues<typeof flags>,
  context: CliContext,
): Promise<void> {
  if (format ?? model ?? data) {
    throw badCombination("Cannot use --format, --model or --data: they are for pipelines");
  }
  const path = extname(file) === "" ? `${file}.ts` : file;
  if (!/\.m?ts$/.test(path)) {
    throw badCombination(`Cannot write a stage to "${file}": expected a name ending in .ts`);
  }
  const testPath = path.replace(/\.(m?ts)$/, "_test.$1");
  const { module, test } = stageSkeleton(resolve(path));
  await writeNew([[path, module], [testPath, test]]);
  context.say(`wrote ${path} and ${testPath}`);
  const words = ["deno", "test", "-A", ...configFlag(resolve(path)), testPath];
  context.say(`  ${commandLine(words)}`);
  context.say(`in a pipeline file: "uses: ./${path.replace(/^.*[/\\]/, "")}", from its folder`);
}

async function newPipeline(
  file: string,
  { format, model, data }: FlagValues<typeof flags>,
  context: CliContext,
): Promise<void> {
  const chosen = (format as PipelineFormat | undefined) ?? formatOf(file) ?? "yaml";
  const path = extname(file) === "" ? `${file}.${chosen}` : file;
  if (formatOf(path) !== chosen) {
    throw badCombination(
      `Cannot write a ${chosen} pipeline to "${path}": the name says otherwise`,
      `end the name in .${chosen}`,
    );
  }
  const inputs = { model: model ?? "./models/base", data: data ?? "./data/pairs.jsonl" };
  await writeNew([[path, pipelineSkeleton(resolve(path), chosen, inputs)]]);
  context.say(`wrote ${path}`);
  context.say(`  ${programName()} validate ${commandLine([path])}`);
}

function formatOf(file: string): PipelineFormat | undefined {
  const extension = extname(file).slice(1);
  return PIPELINE_FORMATS.find((format) => format === (extension === "yml" ? "yaml" : extension));
}

/** Writes files that must not be there yet. */
async function writeNew(files: readonly (readonly [path: string, text: string])[]): Promise<void> {
  for (const [path] of files) {
    if (await Deno.lstat(path).then(() => true, () => false)) throw fileExists(path);
  }
  for (const [path, text] of files) {
    try {
      await Deno.mkdir(dirname(path), { recursive: true });
      await writeFileAtomic(path, text);
    } catch (error) {
      throw fileNotWritten(path, error);
    }
  }
}
