/**
 * ingest: preference data in whatever form it is, to pairs in two splits. Joins the runner's
 * contract to src/data; what formats and dataset types mean is said there and in docs/data.md.
 */

import { z } from "zod";
import { API_VERSION, defineStage, type Stage, type StageContext } from "../src/runner/contract.ts";
import { FORMATS } from "../src/data/data_file.ts";
import type { Ingest, IngestOptions, SplitPair } from "../src/data/ingest.ts";
import { DATASET_TYPES, type DatasetTypeName } from "../src/data/types/detect.ts";
import { type Field, FIELD_NAMES } from "../src/data/types/fields.ts";
import { preferencePairs } from "./artifacts.ts";
import { dataSources, openSources, prepareData, type SourceEntry } from "./data_source.ts";

const format = z.enum(FORMATS).describe(
  "The files' format. Default: told by their names. Compression is found by itself.",
);
const type = z.enum(Object.keys(DATASET_TYPES) as DatasetTypeName[]).describe(
  "The dataset type. Default: told by each file's columns.",
);
const columnNames = Object.fromEntries(
  (Object.keys(FIELD_NAMES) as Field[]).map((field) => [
    field,
    z.string().min(1).optional().describe(
      `The column that holds "${field}". Default: ${FIELD_NAMES[field].join(", ")}.`,
    ),
  ]),
) as Record<Field, z.ZodOptional<z.ZodString>>;
const columns = z.strictObject(columnNames).describe("Field -> column, for names of your own.");

const sourceEntry = z.strictObject({
  path: z.string().min(1).describe(
    "A file, a folder, a glob, or a dataset of the hub: owner/name, owner/name@revision or " +
      "hf://datasets/owner/name@revision/path.",
  ),
  split: z.string().min(1).optional().describe(
    "Of a dataset of the hub: the split to read. Default: the training data.",
  ),
  files: z.string().min(1).optional().describe(
    "Of a dataset of the hub, in place of `split`: a path or a glob in the repository.",
  ),
  weight: z.number().positive().default(1).describe(
    "How often each training pair is used; 2 repeats all, 0.5 keeps half, chosen by content. " +
      "Default 1.",
  ),
  limit: z.int().positive().optional().describe(
    "Different pairs to take, the first. Default: all.",
  ),
  format: format.optional(),
  type: type.optional(),
  columns: columns.optional(),
}).refine((value) => value.files === undefined || value.split === undefined, {
  path: ["split"],
  message: "give either files or split, not both",
});
const source = z.union([
  z.string().min(1),
  sourceEntry,
  z.array(z.union([z.string().min(1), sourceEntry])).min(1),
]);

const config = z.strictObject({
  source: source.describe(
    "A file, a folder, a glob, a dataset of the hub (owner/name), or a list of them, each with its " +
      "settings.",
  ),
  format: format.optional(),
  type: type.optional(),
  columns: columns.optional(),
  evalSource: source.optional().describe("Held out whole, in place of `evalFraction`."),
  evalFraction: z.number().min(0).max(0.99).optional().describe(
    "Share of prompts held out, chosen by content. Default 0.1, or 0 beside `evalSource`.",
  ),
  splitSalt: z.string().default("").describe("Any text: another one holds out other prompts."),
  limit: z.int().positive().optional().describe(
    "Reading stops at so many training pairs. Default: all.",
  ),
  evalLimit: z.int().positive().optional().describe("Most pairs to hold out. Default: all."),
  onBadRow: z.enum(["raise", "drop"]).default("drop").describe(
    "What to do with rows that make no pair: stop, or leave them out and count them. Default drop.",
  ),
  onLeakage: z.enum(["raise", "drop", "keep"]).default("drop").describe(
    "What to do with training rows whose prompt is in `evalSource`. Default drop.",
  ),
}).refine((value) => value.evalSource === undefined || !value.evalFraction, {
  path: ["evalFraction"],
  message: "give either evalSource or evalFraction, not both",
});

type Config = z.output<typeof config>;
type Context = StageContext<Record<never, never>, Config>;
type SourceOption = z.output<typeof source>;

/** Reads preference data of any supported format and type, checks it, and splits it. */
export const ingest: Stage<
  Record<never, never>,
  { pairs: typeof preferencePairs },
  Config,
  z.input<typeof config>,
  "ingest"
> = defineStage({
  apiVersion: API_VERSION,
  name: "ingest",
  version: "2",
  summary: "Reads preference data, checks every row and splits it into train and eval.",
  inputs: {},
  outputs: { pairs: preferencePairs },
  config,
  sources: (config, resolvePath) => dataSources(allEntries(config), resolvePath),
  prepare: (config, context) => prepareData(allEntries(config), context),
  run: async (ctx) => {
    const { Ingest } = await import("../src/data/ingest.ts");
    const { config } = ctx;
    const options: IngestOptions = {
      ...config,
      sources: await openSources(entriesOf(config.source, config), ctx),
      evalSources: config.evalSource
        ? await openSources(entriesOf(config.evalSource, config), ctx)
        : [],
      evalFraction: config.evalFraction ?? (config.evalSource ? 0 : 0.1),
      signal: ctx.signal,
      onProgress: ({ rows, bytes, totalBytes }) => {
        const [unit, size] = totalBytes < 1e7 ? ["kB", 1e3] as const : ["MB", 1e6] as const;
        const [done, total] = [Math.round(bytes / size), Math.round(totalBytes / size)];
        ctx.report({ unit, done, total, note: `${rows} rows` });
      },
    };
    await recordRepositories(ctx);
    const pass = new Ingest(options);
    const tell = () => {
      ctx.record(pass.tally.toJson());
      ctx.log(summarize(pass), pass.tally.dropped > 0 ? "warn" : "info");
    };
    return { pairs: { rows: tellAfter(pass.pairs(), tell), stats: () => pass.tally.toJson() } };
  },
});

export default ingest;

/** Says in the manifest which repositories of the hub the pairs are of, and at which commit. */
async function recordRepositories({ config, resolvePath, record }: Context): Promise<void> {
  const sources = await dataSources(allEntries(config), resolvePath);
  const pinned = sources.filter((source) => typeof source !== "string");
  if (pinned.length === 0) return;
  const commits = new Map(pinned.map(({ name, digest }) => [name, digest ?? null]));
  record({ repositories: [...commits].map(([repository, commit]) => ({ repository, commit })) });
}

async function* tellAfter(
  pairs: AsyncGenerator<SplitPair>,
  tell: () => void,
): AsyncGenerator<SplitPair> {
  yield* pairs;
  tell();
}

function allEntries(config: Config): SourceEntry[] {
  return [config.source, config.evalSource ?? []].flatMap((one) => entriesOf(one, config));
}

/** Each source with the settings that are given for all. */
function entriesOf(option: SourceOption | [], config: Config): SourceEntry[] {
  const { format, type, columns } = config;
  return (Array.isArray(option) ? option : [option])
    .map((entry) => typeof entry === "string" ? { path: entry, weight: 1 } : entry)
    .map((entry) => ({ format, type, columns, ...entry }));
}

function summarize({ tally }: Ingest): string {
  const { rows, kept, repeats } = tally;
  const parts = [`${rows} rows: ${kept.train} to train on, ${kept.eval} held out`];
  if (repeats > 0) parts.push(`${repeats} repeated by weight`);
  if (tally.dropped > 0) {
    const { file, row } = tally.firstDropped!;
    parts.push(`${tally.dropped} left out (${tally.reasons()}; first: ${file} row ${row})`);
  }
  return parts.join(", ");
}
