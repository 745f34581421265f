/** A worker that ends the process where a fuzz case runs for too long. */

interface Watched {
  readonly what: string;
  readonly current: Int32Array<SharedArrayBuffer>;
  readonly limitMs: number;
}

addEventListener("message", (event) => {
  const { what, current, limitMs } = (event as MessageEvent<Watched>).data;
  let [last, since] = [-1, performance.now()];
  setInterval(() => {
    const at = Atomics.load(current, 0);
    if (at !== last) [last, since] = [at, performance.now()];
    if (performance.now() - since < limitMs) return;
    console.error(`${what}: FUZZ_CASE=${at} does not end`);
    Deno.kill(Deno.pid, "SIGKILL");
  }, 500);
});
