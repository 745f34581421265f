/** Models as GGUF files and back: the same configuration, the same tensors, the same answers. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { Rng } from "../../src/base/rng.ts";
import { generate } from "../../src/models/generation/generate.ts";
import { exportGguf } from "../../src/models/gguf/export_gguf.ts";
import { importGguf, openGgufModel } from "../../src/models/gguf/import_gguf.ts";
import { writeModelFiles } from "../../src/models/gguf/model_files.ts";
import { checkModelFolder, loadCausalLM, loadConfig } from "../../src/models/folder/load.ts";
import { mergeAdapter } from "../../src/models/lora/source.ts";
import { parseConfig } from "../../src/models/parse_config.ts";
import { tryStage } from "../../src/runner/testing.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { openGguf } from "../../src/weights/gguf.ts";
import type { GgufOutDtype } from "../../src/weights/gguf_quantize.ts";
import type { GgufField } from "../../src/weights/gguf_types.ts";
import { writeGguf } from "../../src/weights/write_gguf.ts";
import { model } from "../../stages/model.ts";
import { writeTinyAdapter } from "../chat/tiny_adapter.ts";
import { FUZZ_CASES, fuzzSeed } from "../fuzz/fuzz.ts";
import { mutate } from "../fuzz/mutations.ts";
import { goldenCases } from "./fixtures.ts";
import { withTextModel as withModel } from "./text_model.ts";

const cases = await goldenCases();
const golden = cases.get("grouped heads, tied")!;

for (const [name, golden] of cases) {
  Deno.test(`exportGguf: "${name}" comes back bit by bit`, () =>
    withModel(golden, async (dir, file) => {
      await exportGguf(dir, file, { dtype: "F32" });
      const { weights, config } = await openGgufModel(file);
      const original = await checkModelFolder(dir);
      const end = (golden.config.vocab_size as number) - 1;
      assertEquals(parseConfig({ file, json: config }), {
        ...original.config,
        // The tokenizer's, which the golden configuration does not know of.
        eosTokenIds: [end],
      });
      const expected = original.architecture.parameterShapes(original.config);
      assertEquals([...weights.tensors.keys()].sort(), [...expected.keys()].sort());
      for (const tensor of expected.keys()) {
        assertEquals(weights.tensors.get(tensor)!.shape, expected.get(tensor));
        assertEquals(await weights.read(tensor), await original.weights.read(tensor), tensor);
      }
    }));
}

Deno.test("exportGguf: every dtype is within its rounding, vectors are exact", () =>
  withModel(golden, async (dir, file) => {
    const original = await checkModelFolder(dir);
    const bounds: Record<GgufOutDtype, number> = {
      F32: 0,
      F16: 2 ** -11,
      BF16: 2 ** -8,
      Q8_0: 1 / 127,
    };
    for (const [dtype, bound] of Object.entries(bounds) as [GgufOutDtype, number][]) {
      const written = await exportGguf(dir, file, { dtype });
      const total = Object.values(written.tensors).reduce((sum, count) => sum + count, 0);
      assertEquals([written.file, written.architecture], [file, "llama"]);
      const { weights } = await openGgufModel(file);
      assertEquals(total, weights.tensors.size);
      for (const [name, { shape }] of weights.tensors) {
        const [own, back] = [await original.weights.read(name), await weights.read(name)];
        const largest = Math.max(...own.map(Math.abs));
        const error = Math.max(...own.map((value, i) => Math.abs(value - back[i]!)));
        assert(error <= (shape.length === 1 ? 0 : bound * largest), `${dtype} ${name}: ${error}`);
      }
    }
  }));

Deno.test("exportGguf: the file says what llama.cpp asks for", () =>
  withModel(golden, async (dir, file) => {
    await exportGguf(dir, file, { dtype: "Q8_0", name: "mine" });
    const { metadata } = await openGguf(file);
    const value = (key: string): unknown => metadata.get(key)?.value;
    assertEquals(value("general.architecture"), "llama");
    assertEquals(value("general.name"), "mine");
    assertEquals(value("general.file_type"), 7);
    assertEquals(value("llama.block_count"), golden.config.num_hidden_layers);
    assertEquals(value("llama.vocab_size"), golden.config.vocab_size);
    assertEquals(value("tokenizer.ggml.pre"), "gpt-2");
    assertEquals(value("tokenizer.chat_template"), "{{ messages[0].content }}");
    const tokens = value("tokenizer.ggml.tokens") as string[];
    assertEquals(tokens.length, golden.config.vocab_size);
  }));

Deno.test("exportGguf: an aborted or failed export leaves no file", () =>
  withModel(golden, async (dir, file) => {
    const signal = AbortSignal.abort(new Error("stop"));
    await assertRejects(() => exportGguf(dir, file, { signal }), Error, "stop");
    await Deno.writeTextFile(join(dir, "tokenizer.json"), "{}");
    await assertRejects(() => exportGguf(dir, file), OddsmithError);
    const left = [...Deno.readDirSync(dir)].map(({ name }) => name);
    assertEquals(left.filter((name) => name.includes("gguf")), []);
  }));

Deno.test("importGguf: the folder generates what the original does, and keeps its tokenizer", () =>
  withModel(golden, async (dir, file) => {
    await openDevice("cpu");
    await exportGguf(dir, file, { dtype: "F32" });
    const copy = join(dir, "copy");
    await Deno.mkdir(copy);
    await importGguf(file, copy);
    const [own, again] = [await loadCausalLM(dir), await loadCausalLM(copy)];
    const options = { maxNewTokens: 12, eosTokenIds: [] };
    assertEquals(
      await generate(again, golden.ids, options),
      await generate(own, golden.ids, options),
    );
    own.dispose();
    again.dispose();
    const tokenizer = await loadTokenizer(copy);
    assertEquals(tokenizer.encode("AB<eos>"), (await loadTokenizer(dir)).encode("AB<eos>"));
    assertEquals(tokenizer.chatTemplate, "{{ messages[0].content }}");
    // The tokenizer's, and config.json's.
    const end = (golden.config.vocab_size as number) - 1;
    assertEquals((await loadConfig(copy)).eosTokenIds, [end, golden.config.eos_token_id]);
  }));

Deno.test("writeModelFiles: a signal stops it, with and without an adapter, and no weights are left", () =>
  withModel(golden, async (dir, file) => {
    await exportGguf(dir, file, { dtype: "F32" });
    const adapter = join(dir, "adapter");
    await writeTinyAdapter(adapter, dir);
    for (const files of [{ path: file }, { path: file, adapter }, { path: dir, adapter }]) {
      const to = await Deno.makeTempDir({ dir });
      const signal = AbortSignal.abort(new Error("stop"));
      await assertRejects(() => writeModelFiles(files, to, signal), Error, "stop");
      const left = [...Deno.readDirSync(to)].map(({ name }) => name);
      assertEquals(left.filter((name) => name.includes("safetensors")), []);
    }
  }));

Deno.test("model: an adapter over a GGUF file is merged as over the folder, a tied head untied", () =>
  withModel(golden, async (dir, file) => {
    await exportGguf(dir, file, { dtype: "F32" });
    const [adapter, merged] = [join(dir, "adapter"), join(dir, "merged")];
    await writeTinyAdapter(adapter, dir, {}, ["embed_tokens", "k_proj"]);
    await Deno.mkdir(merged);
    await mergeAdapter(dir, adapter, merged);
    await using trial = await tryStage(model, { config: { from: file, adapter } });
    const [own, expected] = [
      await checkModelFolder(trial.outputs.model.dir),
      await checkModelFolder(merged),
    ];
    assertEquals(own.config.tieWordEmbeddings, false);
    assertEquals([...own.shapes.keys()].sort(), [...expected.shapes.keys()].sort());
    for (const name of own.shapes.keys()) {
      assertEquals(await own.weights.read(name), await expected.weights.read(name), name);
    }
  }));

Deno.test("model: takes a GGUF file as the model a pipeline starts from", () =>
  withModel(golden, async (dir, file) => {
    await exportGguf(dir, file, { dtype: "BF16" });
    await using trial = await tryStage(model, { config: { from: file } });
    const { weights } = await checkModelFolder(trial.outputs.model.dir);
    const expected = await openGgufModel(file);
    for (const name of weights.tensors.keys()) {
      assertEquals(await weights.read(name), await expected.weights.read(name));
    }
    assertEquals(trial.record.modelType, "llama");
    assertEquals(await model.sources!({ from: file }, (path) => path), [file]);
  }));

/** Writes a file of the golden model with its metadata or tensors changed. */
async function altered(
  dir: string,
  file: string,
  change: (metadata: Map<string, GgufField>, tensors: Map<string, number[]>) => void,
): Promise<void> {
  await exportGguf(dir, file, { dtype: "F32" });
  const gguf = await openGguf(file);
  const metadata = new Map(gguf.metadata);
  const tensors = new Map([...gguf.tensors].map(([name, { shape }]) => [name, [...shape]]));
  change(metadata, tensors);
  const count = (shape: number[]) => shape.reduce((product, size) => product * size, 1);
  const sources = [...tensors].map(([name, shape]) =>
    [name, { dtype: "F32", shape, values: () => new Float32Array(count(shape)) }] as const
  );
  await writeGguf(file, metadata, new Map(sources));
}

const text = (value: string): GgufField => ({ type: "string", value });
const count = (value: number): GgufField => ({ type: "uint32", value });
type Alter = Parameters<typeof altered>[2];

for (
  const [name, change, code, message] of [
    [
      "an unknown architecture",
      (metadata) => metadata.set("general.architecture", text("mamba")),
      "UNKNOWN_MODEL_TYPE",
      /"mamba" is read from GGUF; there is: llama, qwen2/,
    ],
    [
      "no size",
      (metadata) => metadata.delete("llama.embedding_length"),
      "MISSING_KEY",
      /"llama.embedding_length"/,
    ],
    [
      "a size of text",
      (metadata) => metadata.set("llama.embedding_length", text("64")),
      "BAD_VALUE",
      /should be a whole number of 0 or more, it is "64"/,
    ],
    [
      "experts",
      (metadata) => metadata.set("llama.expert_count", count(8)),
      "UNSUPPORTED",
      /mixture of experts/,
    ],
    [
      "yarn",
      (metadata) => metadata.set("llama.rope.scaling.type", text("yarn")),
      "UNSUPPORTED",
      /scaling is yarn/,
    ],
    [
      "rope factors of another kind",
      (_, tensors) => tensors.set("rope_freqs.weight", [8]),
      "UNSUPPORTED",
      /rope_freqs are not Llama 3's/,
    ],
    [
      "a rotary embedding of a part",
      (metadata) => metadata.set("llama.rope.dimension_count", count(2)),
      "UNSUPPORTED",
      /"partial_rotary_factor"/,
    ],
    [
      "a tensor llama has not",
      (_, tensors) => tensors.set("blk.0.attn_sinks.weight", [2]),
      "UNSUPPORTED",
      /llama has no tensor "blk.0.attn_sinks.weight"/,
    ],
    [
      "a tensor without its block",
      (_, tensors) => tensors.set("blk.99.attn_norm.weight", [2]),
      "UNSUPPORTED",
      /"model.layers.99.input_layernorm.weight"/,
    ],
    [
      "a tensor less",
      (_, tensors) => tensors.delete("blk.0.ffn_norm.weight"),
      "MISSING_TENSOR",
      /"model.layers.0.post_attention_layernorm.weight"/,
    ],
    [
      "a tensor of another shape",
      (_, tensors) => tensors.set("output_norm.weight", [3]),
      "WRONG_SHAPE",
      /"model.norm.weight"/,
    ],
    [
      "rows that are no heads",
      (_, tensors) => tensors.set("blk.0.attn_q.weight", [7, 7]),
      "UNSUPPORTED",
      /"blk.0.attn_q.weight" has 7 rows for/,
    ],
    [
      "more blocks than tensors",
      (metadata) => metadata.set("llama.block_count", count(2 ** 32 - 1)),
      "UNSUPPORTED",
      /claims 4294967295 blocks/,
    ],
    [
      "more tokens than embeddings",
      (_, tensors) => tensors.set("token_embd.weight", [39, 16]),
      "UNSUPPORTED",
      /has 40 tokens and 39 embeddings/,
    ],
    [
      "no tokenizer",
      (metadata) => metadata.delete("tokenizer.ggml.model"),
      "MISSING_KEY",
      /"tokenizer.ggml.model"/,
    ],
  ] as [string, Alter, string, RegExp][]
) {
  Deno.test(`importGguf: a file with ${name} is refused as ${code}, nothing is written`, () =>
    withModel(golden, async (dir, file) => {
      await altered(dir, file, change);
      const copy = join(dir, "copy");
      await Deno.mkdir(copy);
      const error = await assertRejects(() => importGguf(file, copy), OddsmithError);
      assertEquals([error.code, error.location?.file], [code, file]);
      assertMatch(error.message, message);
      assertEquals([...Deno.readDirSync(copy)], []);
    }));
}

Deno.test("openGgufModel: damaged models are refused, or read in the shapes they claim", () =>
  withModel(golden, async (dir, file) => {
    await exportGguf(dir, file, { dtype: "Q8_0" });
    const rng = Rng.fromSeed(fuzzSeed("GGUF models"));
    const sound = await Deno.readFile(file);
    let accepted = 0;
    for (let i = 0; i < FUZZ_CASES / 20; i++) {
      await Deno.writeFile(file, mutate(rng, sound));
      try {
        const { weights } = await openGgufModel(file);
        for (const [name, { shape }] of weights.tensors) {
          const size = shape.reduce((product, n) => product * n, 1);
          assertEquals((await weights.read(name)).length, size);
        }
        accepted++;
      } catch (error) {
        assert(error instanceof OddsmithError, String(error));
        assertEquals(error.location?.file, file);
      }
    }
    assert(accepted > 0);
  }));
