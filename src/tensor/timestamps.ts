/** Timestamps that a device writes itself (`timestamp-query`): how to read them, and what a tick is. */

const QUERY_BYTES = 8;
const NANOSECONDS = 1e-6;

/**
 * Compares the device's timestamps with the wall clock. WebGPU promises nanoseconds; not every
 * implementation scales a driver's ticks, and some drivers write nothing of use.
 *
 * @returns Milliseconds a tick; undefined where the timestamps cannot be used.
 */
export async function millisecondsPerTick(device: GPUDevice): Promise<number | undefined> {
  if (!device.features.has("timestamp-query")) return undefined;
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  try {
    await device.queue.onSubmittedWorkDone();
    const begun = await mark(device, querySet, 0);
    await new Promise((resolve) => setTimeout(resolve, CALIBRATION_MS));
    const ended = await mark(device, querySet, 1);
    const [first, last] = await readQueries(device, querySet, 2);
    const ticks = Number(last! - first!);
    if (first === 0n || ticks <= 0) return undefined;
    const least = (ended.before - begun.after) / ticks;
    const most = (ended.after - begun.before) / ticks;
    const isNanoseconds = least < SLACK * NANOSECONDS && NANOSECONDS < SLACK * most;
    return isNanoseconds ? NANOSECONDS : (least + most) / 2;
  } finally {
    querySet.destroy();
  }
}

const CALIBRATION_MS = 60;
/** Two clocks may run apart by this much, and still count the same unit. */
const SLACK = 1.05;

/** Has the device write a timestamp, between two readings of the wall clock. */
async function mark(
  device: GPUDevice,
  querySet: GPUQuerySet,
  index: number,
): Promise<{ before: number; after: number }> {
  const encoder = device.createCommandEncoder();
  encoder.beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: index } })
    .end();
  const commands = encoder.finish();
  const before = performance.now();
  device.queue.submit([commands]);
  await device.queue.onSubmittedWorkDone();
  return { before, after: performance.now() };
}

/** Reads the first `count` queries of a set, as they are once what was submitted so far is done. */
export async function readQueries(
  device: GPUDevice,
  querySet: GPUQuerySet,
  count: number,
): Promise<BigUint64Array> {
  const size = count * QUERY_BYTES;
  const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const resolved = device.createBuffer({ size, usage: QUERY_RESOLVE | COPY_SRC });
  const staging = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  try {
    const encoder = device.createCommandEncoder();
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    return new BigUint64Array(staging.getMappedRange().slice(0));
  } finally {
    resolved.destroy();
    staging.destroy();
  }
}
