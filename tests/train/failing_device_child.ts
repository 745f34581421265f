/**
 * The command line on a device that fails in mid-training, once there is a checkpoint of step 4:
 * "lost" destroys it, "full" asks its driver for far more memory than there is.
 *
 *     failing_device_child.ts lost|full <runs> [words of the command line]
 */

import { main } from "../../src/cli/main.ts";

/** What "full" asks for in place of every allocation; a process with a limit cannot have it. */
const TOO_MUCH = 1900 * 2 ** 20;
/** Submits that are let pass after the checkpoint: the next step is under way then. */
const LATER = 20;

const [mode, runsDir, ...words] = Deno.args;

function hasCheckpoint(): boolean {
  const scratch = `${runsDir}/.store/scratch`;
  try {
    for (const { name } of Deno.readDirSync(scratch)) {
      const files = [...Deno.readDirSync(`${scratch}/${name}`)];
      if (files.some((file) => file.name === "checkpoint-00000004")) return true;
    }
  } catch {
    // There is no scratch folder yet.
  }
  return false;
}

const requestDevice = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (...args) {
  const device = await requestDevice.apply(this, args);
  const submit = device.queue.submit.bind(device.queue);
  const createBuffer = device.createBuffer.bind(device);
  let since = 0;
  let failing = false;
  device.queue.submit = (commands) => {
    submit(commands);
    if (failing || !hasCheckpoint() || ++since < LATER) return;
    failing = true;
    if (mode === "lost") device.destroy();
  };
  device.createBuffer = (descriptor) =>
    createBuffer(failing && mode === "full" ? { ...descriptor, size: TOO_MUCH } : descriptor);
  return device;
};

Deno.exit(await main(words));
