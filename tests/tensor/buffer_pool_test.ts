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
    const buffer = free.pop() ?? made;
    this.usedBuffers.set(key, [...this.usedBuffers.get(key) ?? [], buffer]);
    return buffer;
  }

  release(buffer: GPUBuffer): void {
    const key = `${buffer.size}_${buffer.usage}`;
    this.freeBuffers.get(key)!.push(buffer);
    this.usedBuffers.set(key, this.usedBuffers.get(key)!.filter((used) => used !== buffer));
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

Deno.test("boundPool: gives back what is not in use, and begins anew", () => {
  const pool = new FakePool();
  const empty = boundPool(pool);
  const held = pool.acquireBuffer(50, 1);
  pool.release(pool.acquireBuffer(100, 1));
  pool.release(pool.acquireBuffer(10, 1));
  empty();
  assertEquals(pool.destroyed, [100, 10]);
  assertEquals([pool.numBytesAllocated, pool.numFreeBuffers], [50, 0]);
  pool.release(held);
  // The peak of before would have left room for all of these.
  for (const size of [20, 30, 31]) pool.release(pool.acquireBuffer(size, 1));
  assertEquals(pool.destroyed, [100, 10, 50, 20]);
});

forEachBackend("DeviceMemory: released, a device holds what is in use", async (device) => {
  const { memory } = device;
  memory.release();
  const before = memory.bytes();
  const kept = tf.tidy(() => tf.add(tf.fill([100_000], 1), tf.fill([100_000], 2)));
  await takeFloats(tf.tidy(() => tf.sum(tf.mul(kept, tf.fill([100_000], 3)))));
  memory.release();
  assertEquals(memory.bytes() - before, 400_000);
  assertEquals(memory.peakBytes(), memory.bytes());
  kept.dispose();
  memory.release();
  assertEquals(memory.bytes(), before);
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
