/**
 * Zstandard decompression of whole files. The platform's decoder stops, without a word, after the
 * first frame and where a frame is cut short; so the frames are told apart here (RFC 8878, 3.1) and
 * each goes through a decoder of its own.
 */

import type { Buffer } from "node:buffer";
import { pipeline, Readable } from "node:stream";
import { createZstdDecompress } from "node:zlib";

type Bytes = Uint8Array<ArrayBuffer>;

/** A part of a frame; `last` where the frame ends with it. */
interface FramePart {
  bytes: Bytes;
  last: boolean;
  skippable: boolean;
}

/**
 * Decompresses frames one after another, as `cat` and parallel compressors write them.
 *
 * @throws Error where the data is no zstd, is damaged or ends inside a frame; what `chunks` throws.
 */
export async function* decompressZstd(chunks: AsyncGenerator<Bytes>): AsyncGenerator<Bytes> {
  const walker = new FrameWalker();
  const parts = frameParts(chunks, walker);
  for (let next = await parts.next(); !next.done; next = await parts.next()) {
    if (next.value.skippable) continue;
    const decoder = createZstdDecompress();
    const frame = oneFrame(next.value, parts);
    pipeline(Readable.from(frame, { highWaterMark: 1 }), decoder, () => {});
    for await (const chunk of decoder) yield chunk as Buffer<ArrayBuffer>;
  }
  if (!walker.atBoundary) throw new Error("unexpected end of file");
}

async function* frameParts(
  chunks: AsyncIterable<Bytes>,
  walker: FrameWalker,
): AsyncGenerator<FramePart> {
  for await (const chunk of chunks) yield* walker.walk(chunk);
}

/** The bytes of the frame that begins with `first`; leaves `parts` open for the next frame. */
async function* oneFrame(
  first: FramePart,
  parts: AsyncGenerator<FramePart>,
): AsyncGenerator<Bytes> {
  let part = first;
  while (true) {
    yield part.bytes;
    if (part.last) return;
    const next = await parts.next();
    if (next.done) return;
    part = next.value;
  }
}

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

type Field = "magic" | "skippableSize" | "descriptor" | "blockHeader";
const FIELD_BYTES: Readonly<Record<Field, number>> = {
  magic: 4,
  skippableSize: 4,
  descriptor: 1,
  blockHeader: 3,
};

/** Follows the lengths that frames and blocks announce, byte for byte but for what they hold. */
class FrameWalker {
  #field: Field = "magic";
  #value = 0;
  #taken = 0;
  /** Bytes to pass over before the next field. */
  #skip = 0;
  #hasChecksum = false;
  #skippable = false;
  /** The frame ends once `#skip` is 0. */
  #ending = false;

  /** Does the data end between two frames here? */
  get atBoundary(): boolean {
    return this.#field === "magic" && this.#taken === 0 && this.#skip === 0;
  }

  /** Cuts a chunk at the ends of frames. */
  *walk(chunk: Bytes): Generator<FramePart> {
    let start = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at);
        this.#skip -= passed;
        at += passed;
      } else {
        this.#value += chunk[at]! * 2 ** (8 * this.#taken);
        at++;
        if (++this.#taken === FIELD_BYTES[this.#field]) this.#take();
      }
      if (this.#ending && this.#skip === 0) {
        yield { bytes: chunk.subarray(start, at), last: true, skippable: this.#skippable };
        start = at;
        this.#ending = false;
      }
    }
    if (start < chunk.length) {
      yield { bytes: chunk.subarray(start), last: false, skippable: this.#skippable };
    }
  }

  /** Acts on a field that is complete. */
  #take(): void {
    const value = this.#value;
    const field = this.#field;
    this.#value = 0;
    this.#taken = 0;
    if (field === "magic") this.#begin(value);
    else if (field === "skippableSize") this.#end(value);
    else if (field === "descriptor") {
      const singleSegment = (value >> 5) & 1;
      const sizeFlag = value >> 6;
      const contentSize = sizeFlag === 0 ? singleSegment : CONTENT_SIZE_BYTES[sizeFlag]!;
      this.#hasChecksum = ((value >> 2) & 1) === 1;
      this.#skip = 1 - singleSegment + DICTIONARY_ID_BYTES[value & 3]! + contentSize;
      this.#field = "blockHeader";
    } else this.#block(value);
  }

  #begin(magic: number): void {
    this.#skippable = magic >= SKIPPABLE_MAGIC && magic < SKIPPABLE_MAGIC + 16;
    if (magic !== MAGIC && !this.#skippable) throw new Error("not zstd data");
    this.#field = this.#skippable ? "skippableSize" : "descriptor";
  }

  #block(header: number): void {
    const kind = (header >> 1) & 3;
    if (kind === 3) throw new Error("a block of a reserved kind");
    const size = kind === 1 ? 1 : header >> 3;
    if ((header & 1) === 1) this.#end(size + (this.#hasChecksum ? 4 : 0));
    else this.#skip = size;
  }

  #end(rest: number): void {
    this.#skip = rest;
    this.#ending = true;
    this.#field = "magic";
  }
}
