import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parse } from "yaml";
import { cardFacts, type CardRun } from "../../src/report/card_facts.ts";
import { modelCard, type ModelCardInput } from "../../src/report/model_card.ts";
import { sampleInput, writeSampleRun } from "./sample_run.ts";
import { inScratch } from "../scratch.ts";

const stage = (id: string, inputs: Record<string, string>, config = {}) => ({
  id,
  uses: id,
  stage: id.replace(/\d$/, ""),
  version: "1",
  config,
  inputs,
});

const OPTIONS = {
  beta: 0.25,
  learningRate: 1e-4,
  saveSteps: 7,
  lora: { r: 4, adapter: "/home/x" },
};

const RUN: CardRun = {
  pipeline: {
    name: "align",
    seed: 7,
    stages: [
      stage("model", {}, { from: "owner/base@main" }),
      stage("ingest", {}, { source: "/home/someone/private/pairs.jsonl" }),
      stage("template", { pairs: "ingest.pairs", model: "model.model" }),
      stage("tokenize", { pairs: "template.pairs", model: "model.model" }),
      stage("orpo", { model: "model.model", pairs: "tokenize.pairs" }, OPTIONS),
      stage("orpo2", { model: "orpo.model", pairs: "tokenize.pairs" }, OPTIONS),
    ],
  },
  records: {
    model: { repository: "hf://owner/base@main", commit: "abc" },
    ingest: {
      kept: { train: 1315, eval: 33 },
      types: { standard: 1348 },
      repositories: [{ repository: "hf://datasets/owner/pairs@main", commit: "def" }],
      sources: [{ files: ["../someone/private/pairs.jsonl", "owner/pairs/data/train.parquet"] }],
    },
    template: { template: "chatml" },
    tokenize: { maxLength: 128 },
    orpo: {
      objective: { beta: 0.25, nllScope: "all", nllReduction: "token" },
      steps: 60,
      parameters: 1000,
      trainableParameters: 10,
      evalBefore: { metrics: { "rewards/accuracies": 0.5 } },
      evalAfter: { metrics: { "rewards/accuracies": 0.75 } },
    },
    orpo2: { objective: { beta: 0.25, nllScope: "all", nllReduction: "token" } },
  },
};

const PART = { dtype: "bfloat16", tensors: 47, largestError: 0.0124 };

const cardOf = (change: Partial<ModelCardInput> = {}): string =>
  modelCard({
    ...cardFacts(RUN, "orpo"),
    name: "aligned",
    format: "huggingface",
    parts: [PART],
    version: "0.1.0",
    ...change,
  });

const frontMatter = (card: string) => parse(/^---\n(.*?)\n---\n/s.exec(card)![1]!);

Deno.test("cardFacts: follows a model back to its base and its data", () => {
  const { base, data, training } = cardFacts(RUN, "orpo");
  const expected = { name: "owner/base", revision: "abc", isRepository: true, isDirect: true };
  assertEquals(base, expected);
  assertEquals(data!.sources, ["owner/pairs", "pairs.jsonl"]);
  assertEquals(data!.stages.map(({ name }) => name), ["ingest", "template", "tokenize"]);
  assertEquals(training!.facts.steps, 60);
  assertEquals(cardFacts(RUN, "orpo2").base!.isDirect, false);
  const untrained = cardFacts(RUN, "model");
  assertEquals([untrained.training, untrained.data], [undefined, undefined]);
  assertEquals(cardFacts({ pipeline: {}, records: {} }, "trial"), {});
});

Deno.test("modelCard: front matter as the hub reads it, a license only where one is given", () => {
  assertEquals(frontMatter(cardOf()), {
    base_model: "owner/base",
    datasets: ["owner/pairs"],
    library_name: "transformers",
    pipeline_tag: "text-generation",
    tags: ["oddsmith", "orpo", "preference-alignment", "lora"],
  });
  const gguf = frontMatter(cardOf({ format: "gguf", license: "apache-2.0", files: ["a.gguf"] }));
  assertEquals([gguf.library_name, gguf.license, gguf.tags.at(-1)], ["gguf", "apache-2.0", "gguf"]);
  const local = { name: "base: a", isRepository: false, isDirect: true };
  assertEquals("base_model" in frontMatter(cardOf({ base: local })), false);
});

Deno.test("modelCard: data, method and figures, and no place on the machine", () => {
  const card = cardOf();
  for (
    const text of [
      "began as `owner/base` at `abc`, trained on preference pairs by [ORPO]",
      "| pairs to train on | 1,315 |",
      "| chat template | chatml |",
      "| longest pair | 128 tokens |",
      "| beta | 0.25 |",
      "| weights trained | 10 of 1,000 |",
      "| `learningRate` | 0.0001 |",
      "| `lora.r` | 4 |",
      "| `rewards/accuracies` | 0.500 | 0.750 |",
      "| bfloat16 | 47 | 1.24e-2 |",
    ]
  ) assertStringIncludes(card, text);
  for (const absent of ["/home", "someone", "saveSteps"]) assert(!card.includes(absent), absent);
});

Deno.test("modelCard: an evaluation's figures, with the intervals of what has one", () =>
  inScratch(async (dir) => {
    await writeSampleRun(dir);
    const { summary } = (await sampleInput(dir)).evaluation!;
    const card = cardOf({ evaluation: summary });
    assertStringIncludes(card, "On 52 held-out pairs; in brackets, 95% bootstrap intervals.");
    const [row] = card.split("\n").filter((line) => line.startsWith("| `rewards/accuracies`"));
    const interval = String.raw`\d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\)`;
    assert(new RegExp(`\\| ${interval} \\| ${interval} \\| ${interval} \\|`).test(row!), row);
  }));

Deno.test("modelCard: an adapter names the base it loads on, if training began with just that", () => {
  const card = cardOf({ format: "adapter" });
  assertStringIncludes(card, 'from_pretrained("owner/base", revision="abc")');
  assertStringIncludes(card, "{ from: owner/base@abc, adapter: . }");
  const second = modelCard({
    ...cardFacts(RUN, "orpo2"),
    name: "x",
    format: "adapter",
    parts: [PART],
    version: "0.1.0",
  });
  assertStringIncludes(second, 'from_pretrained("path/to/the/base")');
});

Deno.test("modelCard: of a folder that no run is known of, it says what it can", () => {
  const card = modelCard({
    name: "a | b\n# c <script>",
    format: "gguf",
    parts: [PART],
    version: "0.1.0",
    files: ["a-F16.gguf"],
  });
  assertStringIncludes(card, "# a | b # c &lt;script>\n\nWritten by Oddsmith 0.1.0.");
  assertStringIncludes(card, 'llama-cli -m "a-F16.gguf"');
  assert(!card.includes("## Method") && !card.includes("## Data"));
});
