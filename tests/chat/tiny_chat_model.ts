/**
 * A tiny model with a byte-level tokenizer and a chat template, made from a seed on the spot. It
 * writes printable ASCII, and ends its answers now and then.
 */

import { join } from "@std/path";
import { openWeights } from "../../src/weights/safetensors.ts";
import { writeSafetensors } from "../../src/weights/write_safetensors.ts";
import { initModel } from "../../src/models/folder/init.ts";
import {
  BYTE_SPECIAL_TOKENS,
  BYTE_VOCAB_SIZE,
  byteTokenizerFiles,
} from "../../src/text/byte_tokenizer.ts";

const idOf = (token: (typeof BYTE_SPECIAL_TOKENS)[number]) =>
  256 + BYTE_SPECIAL_TOKENS.indexOf(token);

/** Writes one into an existing folder; weights large enough that answers are no single letter. */
export async function writeTinyChatModel(
  dir: string,
  { seed = "tiny", positions = 256, hiddenSize = 16 }: {
    seed?: string;
    positions?: number;
    hiddenSize?: number;
  } = {},
): Promise<void> {
  await initModel(dir, {
    vocabSize: BYTE_VOCAB_SIZE,
    hiddenSize,
    intermediateSize: 32,
    numHiddenLayers: 2,
    numAttentionHeads: 2,
    numKeyValueHeads: 1,
    maxPositionEmbeddings: positions,
    ropeTheta: 10_000,
    rmsNormEps: 1e-5,
    tieWordEmbeddings: false,
    initializerRange: 0.5,
    bosTokenId: idOf("<|bos|>"),
    eosTokenId: idOf("<|eos|>"),
    padTokenId: idOf("<|pad|>"),
  }, seed);
  for (const [name, text] of Object.entries(byteTokenizerFiles())) {
    await Deno.writeTextFile(join(dir, name), text);
  }
  await silenceBytes(dir);
}

/** Logits of 0 for all but printable characters and EOS: nearly always some other is above. */
async function silenceBytes(dir: string): Promise<void> {
  const weights = await openWeights(dir);
  const isSaid = (id: number) => (id >= 0x20 && id < 0x7f) || id === idOf("<|eos|>");
  const tensors = new Map<string, { shape: number[]; values: () => Float32Array }>();
  for (const [name, { shape }] of weights.tensors) {
    const values = Float32Array.from(await weights.read(name));
    if (name === "lm_head.weight") {
      const width = shape[1]!;
      values.forEach((_, at) => {
        if (!isSaid(Math.floor(at / width))) values[at] = 0;
      });
    }
    tensors.set(name, { shape: [...shape], values: () => values });
  }
  await writeSafetensors(join(dir, "model.safetensors"), tensors);
}
