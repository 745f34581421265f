/** Exports of model folders: what is written, that it is compared, and where it may go. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { Rng } from "../../src/base/rng.ts";
import {
  type ExportedPart,
  exportModel,
  type ExportSettings,
} from "../../src/models/export/export_model.ts";
import { EXPORT_LIST, placeExport } from "../../src/models/export/place.ts";
import { compareRounded } from "../../src/models/export/rounding.ts";
import { exportGguf } from "../../src/models/gguf/export_gguf.ts";
import { checkModelFolder } from "../../src/models/folder/load.ts";
import { mergeAdapter } from "../../src/models/lora/source.ts";
import { readAdapter } from "../../src/models/lora/files.ts";
import { dequantize } from "../../src/weights/gguf_dequantize.ts";
import { GGUF_OUT_DTYPES, quantize } from "../../src/weights/gguf_quantize.ts";
import { openWeights } from "../../src/weights/safetensors.ts";
import { inScratch } from "../scratch.ts";
import architectures from "../golden/architectures.json" with { type: "json" };
import { type GoldenCase, goldenCases } from "./fixtures.ts";
import { loraGoldens, withAdapter } from "./lora_folders.ts";
import { withTextModel } from "./text_model.ts";

const golden = (await goldenCases()).get("grouped heads, tied")!;

const SETTINGS: ExportSettings = {
  formats: ["huggingface"],
  dtype: "float32",
  maxShardSize: 5e9,
  ggufTypes: ["F16"],
  name: "tiny",
};

/** Runs `fn` with a whole model folder and an empty folder beside it. */
const withModel = (fn: (model: string, dir: string) => Promise<void>): Promise<void> =>
  withTextModel(golden, (model) => inScratch((dir) => fn(model, dir)));

const card = (format: string, parts: readonly ExportedPart[]) => `${format} ${parts.length}`;

const run = (model: string, dir: string, change: Partial<ExportSettings>) =>
  exportModel(model, dir, { ...SETTINGS, ...change }, card);

const names = (dir: string): string[] => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

async function refused(code: string, run: () => Promise<unknown>): Promise<string> {
  const error = await assertRejects(run, OddsmithError);
  assertEquals(error.code, code, error.format());
  return error.format();
}

for (const dtype of GGUF_OUT_DTYPES) {
  Deno.test(`compareRounded: takes what ${dtype} makes of numbers, and nothing further off`, () => {
    const rng = Rng.fromSeed(dtype);
    const size = () => 2 ** (rng.int(dtype === "BF16" ? 200 : 34) - (dtype === "BF16" ? 100 : 24));
    const values = Float32Array.from({ length: 3200 }, () => (rng.next() - 0.5) * size());
    const written = dequantize(dtype, quantize(dtype, values));
    const { largestError, wrong } = compareRounded(dtype, values, written);
    assertEquals(wrong, undefined);
    assertEquals(largestError === 0, dtype === "F32");
    // One step of the type further is found, wherever it is.
    for (let i = 0; i < values.length; i += 97) {
      const changed = written.slice();
      const block = values.subarray(i - i % 32, i - i % 32 + 32);
      const largest = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const step = dtype === "Q8_0" ? largest / 127 : Math.max(
        Math.abs(values[i]!) * 2 ** -(dtype === "F32" ? 22 : dtype === "F16" ? 9 : 6),
        dtype === "F16" ? 2 ** -23 : 0,
      );
      changed[i] = changed[i]! + 1.2 * step;
      assertEquals(compareRounded(dtype, values, changed).wrong?.index, i);
      changed[i] = NaN;
      assertEquals(compareRounded(dtype, values, changed).wrong?.index, i);
    }
  });
}

for (const dtype of ["float32", "float16", "bfloat16"] as const) {
  Deno.test(`exportModel: a ${dtype} folder in shards loads, and its config.json says so`, () =>
    withModel(async (model, dir) => {
      const parts = await run(model, dir, { dtype, maxShardSize: 2000 });
      const { weights, unexpected } = await checkModelFolder(dir);
      assertEquals(unexpected, []);
      const written = { float32: "F32", float16: "F16", bfloat16: "BF16" }[dtype];
      for (const entry of weights.tensors.values()) assertEquals(entry.dtype, written);
      assert(names(dir).filter((name) => name.endsWith(".safetensors")).length > 2);
      const config = JSON.parse(await Deno.readTextFile(join(dir, "config.json")));
      assertEquals(config.dtype ?? config.torch_dtype, dtype);
      for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
        const own = await Deno.readTextFile(join(dir, name));
        assertEquals(own, await Deno.readTextFile(join(model, name)));
      }
      assertEquals(await Deno.readTextFile(join(dir, "README.md")), "huggingface 1");
      assertEquals(parts.map(({ tensors }) => tensors), [Object.keys(golden.shapes).length]);
      assertEquals(parts[0]!.largestError === 0, dtype === "float32");
    }));
}

Deno.test("exportModel: a GGUF file of each type, the bytes that exportGguf writes", () =>
  withModel(async (model, dir) => {
    const parts = await run(model, dir, { formats: ["gguf"], ggufTypes: GGUF_OUT_DTYPES });
    assertEquals(parts.map(({ dtype }) => dtype), [...GGUF_OUT_DTYPES]);
    for (const dtype of GGUF_OUT_DTYPES) {
      const file = join(dir, "direct.gguf");
      await exportGguf(model, file, { dtype, name: "tiny" });
      const own = await Deno.readFile(join(dir, `tiny-${dtype}.gguf`));
      assertEquals(own, await Deno.readFile(file));
    }
  }));

Deno.test("exportModel: every architecture, and as GGUF what llama.cpp has of them", async () => {
  let ggufs = 0;
  for (const [name, architecture] of Object.entries(architectures.cases)) {
    const model = architecture as unknown as GoldenCase;
    await withTextModel(model, (from) =>
      inScratch(async (dir) => {
        const folder = { formats: ["huggingface"], dtype: "bfloat16", maxShardSize: 5000 } as const;
        const [part] = await run(from, dir, folder);
        assertEquals(part!.tensors, Object.keys(model.shapes).length, name);
        const file = join(dir, "gguf");
        await Deno.mkdir(file);
        const found = await run(from, file, { formats: ["gguf"], ggufTypes: ["Q8_0"] })
          .then((parts) => parts.length, (error: OddsmithError) => error.code);
        if (found === 1) ggufs++;
        else assertEquals([found, names(file)], ["NOT_IN_GGUF", []], name);
      }));
  }
  assert(ggufs >= 7, `${ggufs} are written as GGUF`);
});

Deno.test("exportModel: several formats have a folder each, with a card each", () =>
  withAdapter(
    loraGoldens.cases["a regular expression, rank and alpha patterns"]!,
    ({ base, adapter }) =>
      inScratch(async (scratch) => {
        const [model, dir] = [join(scratch, "model"), join(scratch, "export")];
        await Deno.mkdir(model);
        await Deno.mkdir(dir);
        await mergeAdapter(base, adapter, model);
        await Deno.mkdir(join(model, "adapter"));
        for (const name of names(adapter)) {
          await Deno.copyFile(join(adapter, name), join(model, "adapter", name));
        }
        const formats = ["huggingface", "adapter"] as const;
        const hub = { name: "owner/base", revision: "abc" };
        await run(model, dir, { formats, dtype: "bfloat16", base: hub });
        assertEquals(names(dir), ["adapter", "huggingface", EXPORT_LIST]);
        for (const format of formats) {
          assertEquals(await Deno.readTextFile(join(dir, format, "README.md")), `${format} 1`);
        }
        const file = join(dir, "adapter", "adapter_config.json");
        const config = JSON.parse(await Deno.readTextFile(file));
        assertEquals([config.base_model_name_or_path, config.revision], ["owner/base", "abc"]);
        const folder = await checkModelFolder(base);
        const [ours, theirs] = [
          await readAdapter(join(dir, "adapter"), folder),
          await readAdapter(adapter, folder),
        ];
        assertEquals(ours.settings, theirs.settings);
        assertEquals(
          ours.deltas.map(({ r, scale }) => [r, scale]),
          theirs.deltas.map(({ r, scale }) => [r, scale]),
        );
      }),
  ));

Deno.test("exportModel: an adapter of a model that has none is refused before anything is written", () =>
  withModel(async (model, dir) => {
    const formats = ["huggingface", "adapter"] as const;
    await refused("NO_LORA_ADAPTER", () => run(model, dir, { formats }));
    assertEquals(names(dir), []);
  }));

for (const format of ["huggingface", "gguf"] as const) {
  Deno.test(`exportModel: a ${format} file that is damaged after it was written is found, by tensor`, () =>
    withModel(async (model, dir) => {
      const onTensor = (what: string) => {
        const name = format === "gguf" ? "tiny-F32.gguf" : "model.safetensors";
        if (what !== "comparing") return;
        // Once the first tensor is compared the file is whole: its last byte is the last tensor's.
        using file = Deno.openSync(join(dir, name), { read: true, write: true });
        const { size } = file.statSync();
        file.seekSync(size - 1, Deno.SeekMode.Start);
        file.writeSync(Uint8Array.of(0x7e));
      };
      const settings = { ...SETTINGS, formats: [format], ggufTypes: ["F32"] as const };
      const text = await refused(
        "EXPORT_MISMATCH",
        () => exportModel(model, dir, settings, card, { onTensor }),
      );
      assert(/tensor "[\w.]+" holds /.test(text), text);
    }));
}

Deno.test("exportModel: numbers that float16 cannot hold are refused, with what can", () =>
  withModel(async (model, dir) => {
    const weights = await openWeights(model);
    const { begin } = weights.tensors.get("model.norm.weight")!;
    {
      using file = await Deno.open(join(model, "model.safetensors"), { write: true });
      await file.seek(begin, Deno.SeekMode.Start);
      await file.write(new Uint8Array(Float32Array.of(70_000).buffer));
    }
    const text = await refused("OUT_OF_RANGE", () => run(model, dir, { dtype: "float16" }));
    assert(text.includes('"model.norm.weight" as F16: it holds 70000'), text);
    await run(model, dir, { dtype: "bfloat16" });
  }));

Deno.test("exportModel: stops when it is interrupted, and placeExport leaves nothing", () =>
  withModel(async (model, dir) => {
    const stop = new AbortController();
    const target = join(dir, "out");
    const onTensor = () => stop.abort("stop");
    const exporting = placeExport(
      { target, model: [model] },
      (to) => exportModel(model, to, SETTINGS, card, { signal: stop.signal, onTensor }),
    );
    assertEquals(await exporting.then(() => "done", (error) => error), "stop");
    assertEquals(names(dir), []);
  }));

Deno.test("placeExport: replaces an earlier export as a whole, and nothing else without force", () =>
  withModel(async (model, dir) => {
    const target = join(dir, "new", "out");
    const place = (change: Partial<ExportSettings>, force?: boolean) =>
      placeExport({ target, model: [model], force }, (to) => run(model, to, change));
    await place({ maxShardSize: 2000 });
    const before = names(target);
    await place({});
    assert(before.length > names(target).length);
    const list = JSON.parse(await Deno.readTextFile(join(target, EXPORT_LIST)));
    assertEquals(Object.keys(list.files), names(target).filter((name) => name !== EXPORT_LIST));

    await Deno.writeTextFile(join(target, "README.md"), "a card of the user's own");
    assert((await refused("TARGET_EXISTS", () => place({}))).includes('"README.md"'));
    await place({}, true);
    await Deno.writeTextFile(join(target, "notes.txt"), "mine");
    assert((await refused("TARGET_EXISTS", () => place({}))).includes('"notes.txt"'));
    assertEquals(await Deno.readTextFile(join(target, "notes.txt")), "mine");
    assertEquals(names(join(dir, "new")), ["out"]);
  }));

Deno.test("placeExport: never in place of the model, the working directory, or inside the model", () =>
  withModel(async (model) => {
    for (const target of [model, join(model, ".."), join(model, "out"), Deno.cwd(), "/"]) {
      const fill = () => Promise.reject(new Error("was to be refused"));
      await refused(
        "BAD_TARGET",
        () => placeExport({ target, model: [model], force: true }, fill),
      );
    }
  }));

Deno.test("placeExport: a file is put alone, and a full disk is told as one", () =>
  withModel(async (model, dir) => {
    const target = join(dir, "m.gguf");
    const place = { target, model: [model], isFile: true };
    await placeExport(place, (to) => Deno.writeTextFile(join(to, "m.gguf"), "weights"));
    assertEquals(names(dir), ["m.gguf"]);
    await refused("TARGET_EXISTS", () => placeExport(place, () => Promise.resolve()));
    const full = () => Deno.writeTextFile("/dev/full", "weights");
    if (Deno.build.os === "linux") {
      await refused("DISK_FULL", () => placeExport({ ...place, force: true }, full));
    }
    assertEquals(await Deno.readTextFile(target), "weights");
    assertEquals(names(dir), ["m.gguf"]);
  }));
