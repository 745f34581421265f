/**
 * Runs a reader over damaged files. A case ends in a value or in an error of ours; it never hangs,
 * and it never asks for memory that its file does not stand for.
 *
 * FUZZ_CASES sets how many cases a reader gets (20,000, shared among its tests where it has several),
 * FUZZ_SEED repeats a printed run, FUZZ_CASE one case of it.
 */

import { assert } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { Rng } from "../../src/base/rng.ts";
import { limitAllocations } from "./allocations.ts";

/** How many cases a fuzz test runs. */
export const FUZZ_CASES = Number(Deno.env.get("FUZZ_CASES") ?? 20_000);

/** A case takes milliseconds; one that takes so long is as good as endless. */
const HANG_MS = 20_000;

/** Most of anything that a reader may ask for at once: the files here have a few kilobytes. */
const LARGEST_ELEMENTS = 1 << 23;

/** Most memory that a process may grow by in a whole test. */
const MOST_GROWTH_BYTES = 1 << 29;

/** Where a fuzz test's cases come from, printed for the one who repeats them: FUZZ_SEED, or now. */
export function fuzzSeed(reader: string, cases: number = FUZZ_CASES): string {
  const seed = Deno.env.get("FUZZ_SEED") ?? String(Date.now());
  console.log(`fuzzing ${reader}: FUZZ_SEED=${seed}, ${cases} cases`);
  return seed;
}

/**
 * Makes a folder for the files of a fuzz test, in memory where the system has such a place: a disk
 * would take most of the test's time.
 */
export async function fuzzFolder(): Promise<string> {
  const memory = "/dev/shm";
  const isThere = await Deno.stat(memory).then((info) => info.isDirectory, () => false);
  const folder = await Deno.makeTempDir({ dir: isThere ? memory : undefined });
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return folder;
}

/** What a case came to: refused by an error of ours, or read. */
export type Outcome = "refused" | "read";

/**
 * Runs cases of a reader, each from a generator of its own, and fails at the first that throws. Of
 * the files some must have been refused and some read: else the test would show nothing.
 *
 * @param share Of FUZZ_CASES that are run, for tests that are some of a reader's.
 */
export async function fuzz(
  reader: string,
  run: (rng: Rng) => Outcome | Promise<Outcome>,
  share = 1,
): Promise<void> {
  const cases = Math.ceil(FUZZ_CASES * share);
  const seed = fuzzSeed(reader, cases);
  const only = Deno.env.get("FUZZ_CASE");
  const [first, end] = only === undefined ? [0, cases] : [Number(only), Number(only) + 1];
  const counts = { refused: 0, read: 0 };
  const peakBefore = await peakBytes();
  using watchdog = new Watchdog(`fuzzing ${reader} with FUZZ_SEED=${seed}`);
  using _limit = limitAllocations(LARGEST_ELEMENTS);
  for (let at = first; at < end; at++) {
    watchdog.begin(at);
    try {
      counts[await run(Rng.fromSeed(`${seed}/${at}`))]++;
    } catch (cause) {
      throw new Error(`${reader}: FUZZ_SEED=${seed} FUZZ_CASE=${at}`, { cause });
    }
  }
  console.log(`${reader}: ${counts.read} read, ${counts.refused} refused`);
  const growth = await peakBytes() - peakBefore;
  assert(growth < MOST_GROWTH_BYTES, `${reader}: memory grew by ${growth} bytes`);
  if (only === undefined) assert(counts.read > 0 && counts.refused > 0);
}

/** Runs a reader; an error must be of one of the kinds given, with its place and a hint or none. */
export async function readOrRefuse<T>(
  kinds: readonly string[],
  read: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof OddsmithError)) throw error;
    assert(kinds.includes(error.kind), error.format());
    assert(error.location !== undefined, `no place: ${error.format()}`);
    assert(!ENGINE_WORDS.test(error.message), `words of the engine: ${error.format()}`);
    return undefined;
  }
}

/** What engines say of programs that go wrong; it tells nobody what is wrong with a file. */
const ENGINE_WORDS =
  /Cannot read propert|is not a function|is not iterable|(?<!received )undefined|Invalid typed array|Invalid array length|Maximum call stack|outside the bounds|out of bounds|\[object/;

/** Most memory that this process ever held, where the system tells. */
async function peakBytes(): Promise<number> {
  const status = await Deno.readTextFile("/proc/self/status").catch(() => "");
  return 1024 * Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0);
}

/** Ends the process, with a word, where a case does not: nothing else can stop a loop. */
class Watchdog implements Disposable {
  readonly #worker: Worker;
  readonly #current = new Int32Array(new SharedArrayBuffer(4));

  constructor(what: string) {
    this.#worker = new Worker(new URL("./watchdog.ts", import.meta.url), { type: "module" });
    this.#worker.postMessage({ what, current: this.#current, limitMs: HANG_MS });
  }

  begin(at: number): void {
    Atomics.store(this.#current, 0, at);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
