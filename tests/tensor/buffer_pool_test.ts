import { assertEquals, assertLessOrEqual } from "@std/assert";
import { boundPool } from "../../src/tensor/buffer_pool.ts";
import { takeFloats } from "../../src/tensor/readback.ts";
import { tf } from "../../src/tensor/tf.ts";
import {
  type BufferPool,
  submitPending,
  webgpuInternals,
} from "../../src/tensor/webgpu_internals.ts";
import { forEachBackend } from "./backends.ts";

/** tfjs's pool, with buffers that only count. */
class FakePool implements BufferPool {
  freeBuffers = new Map<string, GPUBuffer[]>();
  usedBuffers = new Map<string, GPUBuffer[]>();
  numFreeBuffers = 0;
  numBytesUsed = 0;
  numBytesAllocated = 0;
  readonly destroyed: number[] = [];

  acquireBuffer(size: number, usage: number): GPUBuffer {
    const key = `${size}_${usage}`;
    const free = this.freeBuffers.get(key) ?? [];
    this.freeBuffers.set(key, free);
    const made = { size, usage, destroy: () => this.destroyed.push(size) } as unknown as GPUBuffer;
    if (free.length > 0) this.numFreeBuffers--;
    else this.numBytesAllocated += size;
    this.numBytesUsed += size;
    return free.pop() ?? made;
  }

  release(buffer: GPUBuffer): void {
    this.freeBuffers.get(`${buffer.size}_${buffer.usage}`)!.push(buffer);
    this.numFreeBuffers++;
    this.numBytesUsed -= buffer.size;
  }
}

Deno.test("boundPool: destroys what was not asked for longest, beyond 1.5 times the peak", () => {
  const pool = new FakePool();
  boundPool(pool);
  const use = (...sizes: number[]) => {
    const buffers = sizes.map((size) => pool.acquireBuffer(size, 1));
    for (const buffer of buffers) pool.release(buffer);
  };
  use(100, 40);
  use(30);
  use(31);
  assertEquals([pool.numBytesAllocated, pool.destroyed.length], [201, 0]);
  use(100);
  use(32);
  assertEquals(pool.destroyed, [40]);
  use(100, 40);
  assertEquals(pool.destroyed, [40, 30]);
  assertEquals([pool.numBytesAllocated, pool.numFreeBuffers], [203, 4]);
  use(140);
  assertEquals(pool.destroyed, [40, 30, 31, 32, 100]);
  assertEquals([pool.numBytesAllocated, pool.numFreeBuffers], [180, 2]);
});

forEachBackend("boundPool: tensors of ever new sizes do not pile up, and are right", async () => {
  const pool = webgpuInternals().bufferManager as unknown as BufferPool;
  for (let i = 1; i <= 24; i++) {
    const sums = tf.tidy(() => {
      const x = tf.fill([40_000 + 512 * i], i);
      return tf.add(tf.sum(tf.add(x, x)), tf.scalar(0));
    });
    submitPending(webgpuInternals());
    const [sum] = await takeFloats(sums);
    assertEquals(sum, 2 * i * (40_000 + 512 * i));
  }
  // One round takes two tensors of 160 to 210 kB, and little else.
  assertLessOrEqual(pool.numBytesAllocated, 1.5 * 4 * 210_000);
}, ["webgpu"]);
