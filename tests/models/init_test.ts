import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { initModel, type InitOptions } from "../../src/models/folder/init.ts";
import { checkModelFolder } from "../../src/models/folder/load.ts";

const options: InitOptions = {
  vocabSize: 262,
  hiddenSize: 32,
  intermediateSize: 48,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  maxPositionEmbeddings: 64,
  ropeTheta: 10_000,
  rmsNormEps: 1e-5,
  tieWordEmbeddings: false,
  initializerRange: 0.05,
  bosTokenId: 256,
  eosTokenId: 257,
  padTokenId: 258,
};

async function make(seed: string, changes: Partial<InitOptions> = {}): Promise<string> {
  const dir = await Deno.makeTempDir();
  await initModel(dir, { ...options, ...changes }, seed);
  return dir;
}

Deno.test("initModel: matrices are normal with the asked deviation, norms are 1", async () => {
  const dir = await make("a");
  const { weights, config, unexpected } = await checkModelFolder(dir);
  assertEquals(unexpected, []);
  assertEquals([config.bosTokenId, config.eosTokenIds, config.padTokenId], [256, [257], 258]);
  const embedding = await weights.read("model.embed_tokens.weight");
  const mean = embedding.reduce((sum, x) => sum + x, 0) / embedding.length;
  const variance = embedding.reduce((sum, x) => sum + x * x, 0) / embedding.length;
  assert(Math.abs(mean) < 0.003 && Math.abs(Math.sqrt(variance) - 0.05) < 0.003);
  assertEquals(new Set(await weights.read("model.norm.weight")), new Set([1]));
  await Deno.remove(dir, { recursive: true });
});

Deno.test("initModel: the same seed gives the same bytes, another seed others", async () => {
  const dirs = [await make("a"), await make("a"), await make("b")];
  const [first, same, other] = await Promise.all(
    dirs.map((dir) => Deno.readFile(join(dir, "model.safetensors"))),
  );
  assertEquals(first, same);
  assertNotEquals(first, other);
  for (const dir of dirs) await Deno.remove(dir, { recursive: true });
});

Deno.test("initModel: a tensor does not change with the model's other sizes", async () => {
  const dirs = [await make("a"), await make("a", { numHiddenLayers: 1 })];
  const [two, one] = await Promise.all(dirs.map(async (dir) => {
    const { weights } = await checkModelFolder(dir);
    return await weights.read("model.layers.0.mlp.up_proj.weight");
  }));
  assertEquals(one, two);
  for (const dir of dirs) await Deno.remove(dir, { recursive: true });
});
