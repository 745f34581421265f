/** The skeleton of a stage, and of its test: both work as they are. */

import { basename } from "@std/path";
import { importStatement, nameOf, specifiersFor } from "./place.ts";

/** Texts of a stage's module and of its test. */
export interface StageSkeleton {
  readonly module: string;
  readonly test: string;
}

/** Writes a stage that takes and gives preference pairs, for a file at an absolute path. */
export function stageSkeleton(path: string): StageSkeleton {
  const name = nameOf(path);
  const { api, testing, zod } = specifiersFor(path);
  return {
    module: moduleText(name, api, zod),
    test: testText(name, basename(path), testing),
  };
}

function moduleText(name: string, api: string, zod: string): string {
  const names = ["API_VERSION", "defineStage", "pairText", "preferencePairs"];
  return `/** ${name}: a stage that keeps the pairs whose answers are long enough. */

import { z } from "${zod}";
${importStatement(names, api)}

const config = z.strictObject({
  minCharacters: z.int().min(1).default(1).describe("Fewest characters of an answer."),
});

export default defineStage({
  apiVersion: API_VERSION,
  name: "${name}",
  version: "1",
  summary: "Keeps the pairs whose answers are long enough.",
  inputs: { pairs: preferencePairs },
  outputs: { pairs: preferencePairs },
  config,
  async run(ctx) {
    const pairs = await ctx.inputs.pairs.read();
    const total = pairs.counts.train + pairs.counts.eval;
    const counts = { kept: 0, dropped: 0 };

    async function* rows() {
      for (const split of ["train", "eval"] as const) {
        for await (const row of pairs.rows(split)) {
          ctx.signal.throwIfAborted();
          const lengths = [row.chosen, row.rejected].map((answer) => pairText(answer).length);
          const isLongEnough = Math.min(...lengths) >= ctx.config.minCharacters;
          if (isLongEnough) counts.kept++;
          else counts.dropped++;
          ctx.report({ unit: "pairs", done: counts.kept + counts.dropped, total });
          if (isLongEnough) yield { split, row };
        }
      }
      ctx.record({ ...counts });
    }

    return { pairs: { rows: rows(), stats: () => pairs.stats } };
  },
});
`;
}

function testText(name: string, file: string, testing: string): string {
  const names = ["assertStageContract", "datasetOf", "tryStage"];
  return `${importStatement(names, testing)}
import stage from "./${file}";

const pair = (id: string, rejected: string) => ({
  form: "standard" as const,
  id,
  source: "test:1",
  prompt: "Say hello.",
  chosen: "Hello, and good morning.",
  rejected,
});
const pairs = datasetOf({ train: [pair("long", "Good evening."), pair("short", "No")] });

Deno.test("${name}: keeps the stage contract", async () => {
  await assertStageContract(stage, { inputs: { pairs } });
});

Deno.test("${name}: drops pairs with a short answer", async () => {
  await using trial = await tryStage(stage, { inputs: { pairs }, config: { minCharacters: 5 } });
  const kept = await Array.fromAsync((await trial.outputs.pairs.read()).rows("train"));
  const ids = kept.map((row) => row.id);
  if (ids.join() !== "long") throw new Error(\`kept \${ids}\`);
});
`;
}
