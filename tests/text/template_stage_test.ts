/** The stage "template": options, statistics, and what it refuses. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import type { PreferencePair } from "../../src/data/pair.ts";
import { byteTokenizerFiles } from "../../src/text/byte_tokenizer.ts";
import {
  assertStageContract,
  datasetOf,
  resolveConfig,
  tryStage,
} from "../../src/runner/testing.ts";
import { template } from "../../stages/template.ts";
import { folderOf } from "./tokenizer_sources.ts";

const standard: PreferencePair = {
  form: "standard",
  id: "s",
  source: "pairs.jsonl:1",
  prompt: "Q",
  chosen: "yes",
  rejected: "no",
};

function chat(id: string, role = "user"): PreferencePair {
  const turn = (role: string, content: string) => [{ role, content }];
  return {
    form: "conversational",
    id,
    source: `chats.jsonl:${id}`,
    prompt: turn(role, "Q"),
    chosen: turn("assistant", "yes"),
    rejected: turn("assistant", "no"),
  };
}

async function model(dir: string): Promise<void> {
  for (const [name, text] of Object.entries(byteTokenizerFiles())) {
    await Deno.writeTextFile(join(dir, name), text);
  }
}

type Trial = Parameters<typeof tryStage<typeof template>>[1];

async function texts(options: NonNullable<Trial>): Promise<string[][]> {
  await using trial = await tryStage(template, options);
  const pairs = await trial.outputs.pairs.read();
  return (await Array.fromAsync(pairs.rows("train")))
    .map(({ prompt, chosen, rejected }) => [prompt, chosen, rejected]);
}

async function refusal(options: NonNullable<Trial>): Promise<OddsmithError> {
  return await assertRejects(() => tryStage(template, options), OddsmithError);
}

Deno.test("template: keeps the stage contract", async () => {
  await assertStageContract(template, {
    inputs: {
      pairs: datasetOf({ train: [standard, chat("1")], eval: [chat("2")] }),
      model,
    },
    config: { systemPrompt: "Be kind." },
  });
});

Deno.test("template: the model's template writes conversations and plain rows", async () => {
  const inputs = { pairs: datasetOf({ train: [standard, chat("1")] }), model };
  const written = ["<|bos|><|user|>Q<|assistant|>", "yes<|eos|>", "no<|eos|>"];
  assertEquals(await texts({ inputs }), [written, written]);
  assertEquals((await texts({ inputs, config: { standardAs: "text" } }))[0], ["Q", "yes", "no"]);
  assertEquals(
    (await texts({ inputs, config: { template: "plain", systemPrompt: "S" } }))[1],
    ["S\n\nUser: Q\nAssistant:", " yes<|eos|>\n", " no<|eos|>\n"],
  );
});

Deno.test("template: a row's tools, tool calls and results reach the template", async () => {
  const jinja = "{% for t in tools or [] %}<{{ t.function.name }}>{% endfor %}" +
    "{% for m in messages %}{{ m.role[0] }}:{{ m.content }}" +
    "{% for c in m.tool_calls or [] %}{{ c.function | tojson }}{% endfor %}" +
    "{{ '@' ~ m.name if m.name }};{% endfor %}{{ 'a:' if add_generation_prompt }}";
  const call = { type: "function", function: { name: "ping", arguments: { n: 1 } } };
  const row: PreferencePair = {
    ...chat("tools"),
    form: "conversational",
    prompt: [
      { role: "user", content: "Q" },
      { role: "assistant", content: "", tool_calls: [call] },
      { role: "tool", content: "pong", name: "ping" },
    ],
    chosen: [{ role: "assistant", content: "", tool_calls: [call] }],
    rejected: [{ role: "assistant", content: "no" }],
    tools: [{ type: "function", function: { name: "ping" } }],
  };
  const called = '{"name": "ping", "arguments": {"n": 1}}';
  assertEquals(
    await texts({
      inputs: { pairs: datasetOf({ train: [row, chat("1")] }) },
      config: { template: { inline: jinja } },
    }),
    [
      [`<ping>u:Q;a:${called};t:pong@ping;a:`, `${called};`, "no;"],
      ["u:Q;a:", "yes;", "no;"],
    ],
  );
});

Deno.test("template: without a template, plain rows stay and conversations are refused", async () => {
  assertEquals(await texts({ inputs: { pairs: datasetOf({ train: [standard] }) } }), [
    ["Q", "yes", "no"],
  ]);
  const inputs = { pairs: datasetOf({ train: [chat("4")] }) };
  for (const config of [{}, { template: "none" }]) {
    const error = await refusal({ inputs, config });
    assertEquals(error.code, "TEMPLATE_MISSING");
    assertStringIncludes(error.format(), "at chats.jsonl row 4");
  }
});

Deno.test("template: options that nothing could heed are refused", async () => {
  const inputs = { pairs: datasetOf({ train: [standard] }) };
  const options = [
    { systemPrompt: "S" },
    { standardAs: "chat" as const },
    { addGenerationPrompt: false },
    { variables: { x: 1 } },
    { date: "2024-01-02" },
  ];
  for (const config of options) {
    const error = await refusal({ inputs, config });
    assertEquals(error.code, "TEMPLATE_OPTION");
    assertStringIncludes(error.message, Object.keys(config)[0]!);
  }
});

Deno.test("template: takes Jinja from a file or from the pipeline, with variables and a date", async () => {
  const inputs = { pairs: datasetOf({ train: [chat("1")] }) };
  const source =
    "{{ mood }} {{ strftime_now('%d.%m.') }}{% for m in messages %}|{{ m.content }}{% endfor %}";
  const config = { variables: { mood: "calm" }, date: "2024-01-02" };
  const expected = [["calm 02.01.|Q", "|yes", "|no"]];
  assertEquals(
    await texts({ inputs, config: { ...config, template: { inline: source } } }),
    expected,
  );
  const baseDir = await folderOf({ "chat.jinja": source });
  try {
    const file = { file: "chat.jinja" };
    assertEquals(await texts({ inputs, baseDir, config: { ...config, template: file } }), expected);
  } finally {
    await Deno.remove(baseDir, { recursive: true });
  }
});

Deno.test("template: a template's file is part of the cache key, and must be there", async () => {
  type Config = Parameters<NonNullable<typeof template.sources>>[0];
  const withFile = async (file: string) =>
    await resolveConfig(template, { template: { file } }) as Config;
  const baseDir = await folderOf({ "chat.jinja": "{{ messages }}" });
  const resolve = (path: string) => join(baseDir, path);
  try {
    assertEquals(await template.sources!(await withFile("chat.jinja"), resolve), [
      join(baseDir, "chat.jinja"),
    ]);
    const missing = await withFile("no.jinja");
    const error = await assertRejects(() => template.sources!(missing, resolve), OddsmithError);
    assertEquals(error.code, "TEMPLATE_FILE");
  } finally {
    await Deno.remove(baseDir, { recursive: true });
  }
});

Deno.test("template: an unknown name gives the nearest one", async () => {
  const inputs = { pairs: datasetOf({ train: [chat("1")] }), model };
  const error = await refusal({ inputs, config: { template: "chatlm" } });
  assertEquals(error.code, "TEMPLATE_UNKNOWN");
  assertStringIncludes(error.hint!, 'did you mean "chatml"?');
  const named = await refusal({ inputs, config: { template: { model: "rag" } } });
  assertStringIncludes(named.hint!, "default");
});

Deno.test("template: a row the template refuses stops the stage, or is dropped and counted", async () => {
  const inputs = {
    pairs: datasetOf({ train: [chat("1"), chat("2", "tool")], eval: [chat("3")] }),
    model,
  };
  const error = await refusal({ inputs });
  assertEquals(error.code, "TEMPLATE_RAISED");
  assertStringIncludes(error.format(), "at chats.jsonl row 2");
  await using trial = await tryStage(template, { inputs, config: { onBadRow: "drop" } });
  const pairs = await trial.outputs.pairs.read();
  assertEquals(pairs.counts, { train: 1, eval: 1 });
  const expected = {
    template: "model",
    conversational: 2,
    standardAsChat: 0,
    standardAsText: 0,
    systemPromptsAdded: 0,
    promptsShortened: 0,
    dropped: { TEMPLATE_RAISED: 1 },
  };
  assertEquals(pairs.stats, expected);
  assertEquals(trial.record, expected);
});
