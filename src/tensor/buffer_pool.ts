/**
 * Bounds the memory that tfjs's buffer pool holds on to. The pool keeps every freed buffer by its
 * exact size for ever, so batches whose lengths differ pile up sets of buffers that do not serve
 * each other. Here the sizes not used for longest are destroyed once the pool has grown to what
 * was in use together at most and a slack: half of that, or 64 MiB where that is less.
 *
 * Invariant relied on: a free buffer is in no command that was not submitted yet; tfjs frees those
 * of waiting commands after the submit. One that is in submitted commands may be destroyed.
 */

import type { BufferPool } from "./webgpu_internals.ts";

/** What the pool may hold beyond the most that was in use at a time. */
const SLACK = { share: 0.5, bytes: 64 * 2 ** 20 };

/**
 * Makes a pool destroy what it is unlikely to need again.
 *
 * @param onGrowth Called after every new buffer.
 * @returns Destroys all that is not in use, and forgets how much was.
 */
export function boundPool(pool: BufferPool, onGrowth: () => void = () => {}): () => void {
  const acquire = pool.acquireBuffer.bind(pool);
  /** Keys of the pool's buffers, the one not asked for longest first. */
  const order = new Set<string>();
  let peakBytes = 0;
  pool.acquireBuffer = (size, usage, mappedAtCreation, reuse = true) => {
    const key = `${size}_${usage}`;
    order.delete(key);
    order.add(key);
    const isKept = reuse && (pool.freeBuffers.get(key)?.length ?? 0) > 0;
    if (!isKept) {
      const inUse = Math.max(peakBytes, pool.numBytesUsed + size);
      shrink(pool, order, inUse + Math.min(SLACK.share * inUse, SLACK.bytes) - size);
    }
    const buffer = acquire(size, usage, mappedAtCreation, reuse);
    peakBytes = Math.max(peakBytes, pool.numBytesUsed);
    if (!isKept) onGrowth();
    return buffer;
  };
  return () => {
    shrink(pool, order, pool.numBytesUsed);
    peakBytes = pool.numBytesUsed;
  };
}

function shrink(pool: BufferPool, order: Set<string>, allowedBytes: number): void {
  for (const key of order) {
    if (pool.numBytesAllocated <= allowedBytes) return;
    const free = pool.freeBuffers.get(key) ?? [];
    while (free.length > 0 && pool.numBytesAllocated > allowedBytes) {
      const buffer = free.pop()!;
      pool.numFreeBuffers--;
      pool.numBytesAllocated -= buffer.size;
      buffer.destroy();
    }
    if (free.length === 0 && !pool.usedBuffers.get(key)?.length) order.delete(key);
  }
}
