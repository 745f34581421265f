/** Downloads from a hub that cuts, truncates, corrupts, is busy or is silent. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { tryFileLock } from "../../src/base/file_lock.ts";
import { etagOf } from "./server.ts";
import { content, MODEL, MODEL_REPO, Place } from "./support.ts";

const WEIGHTS = "model.safetensors";
const BYTES = MODEL_REPO.files[WEIGHTS]!;
const ETAG = etagOf(BYTES, true);

async function refused(work: Promise<unknown>, code: string): Promise<OddsmithError> {
  const error = await assertRejects(() => work, OddsmithError);
  assertEquals(error.code, code, error.format());
  return error;
}

Deno.test("Snapshot.fetch: lays files out as Hugging Face's cache does", async () => {
  await using place = await Place.make(MODEL_REPO);
  const dir = await place.fetch(MODEL, ["config.json", WEIGHTS, "onnx/model.onnx"]);
  assertEquals(dir, join(place.modelDir, "snapshots", MODEL_REPO.commit));
  assertEquals(await Deno.readFile(join(dir, WEIGHTS)), BYTES);
  assertEquals(await Deno.readTextFile(join(place.modelDir, "refs/main")), MODEL_REPO.commit);
  assertEquals(await Deno.readLink(join(dir, WEIGHTS)), `../../blobs/${ETAG}`);
  const onnx = etagOf(MODEL_REPO.files["onnx/model.onnx"]!, false);
  assertEquals(await Deno.readLink(join(dir, "onnx/model.onnx")), `../../../blobs/${onnx}`);
  const blobs = await Array.fromAsync(Deno.readDir(join(place.modelDir, "blobs")));
  assertEquals(blobs.length, 3);
  assert(blobs.every(({ name }) => !name.endsWith(".incomplete")));
});

Deno.test("Snapshot.fetch: a second time asks nothing, even of a hub that is gone", async () => {
  await using place = await Place.make(MODEL_REPO);
  await place.fetch(MODEL, [WEIGHTS]);
  place.hub.seen.length = 0;
  await place.fetch(MODEL, [WEIGHTS]);
  assertEquals(place.hub.seen, []);
  await place.hub[Symbol.asyncDispose]();
  await place.fetch(MODEL, [WEIGHTS], { settings: { offline: true } });
});

Deno.test("Snapshot.fetch: cut connections are resumed where they ended", async () => {
  await using place = await Place.make(MODEL_REPO);
  // More cuts than attempts: each of them got on, so none is the last.
  const cuts = [70_000, 50_000, 60_000, 40_000, 30_000, 20_000];
  place.hub.faults.set(WEIGHTS, cuts.map((after) => ({ kind: "cut", after })));
  const dir = await place.fetch(MODEL, [WEIGHTS]);
  assertEquals(await Deno.readFile(join(dir, WEIGHTS)), BYTES);
  const ranges = place.hub.seen.filter(({ host }) => host === "storage").map(({ range }) => range);
  assertEquals(ranges.length, 7);
  assertEquals(ranges[0], undefined);
  const starts = ranges.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(range!)![1]));
  assert(starts.every((start, at) => start > (starts[at - 1] ?? 0)), starts.join());
});

Deno.test("Snapshot.fetch: what an earlier process left is gone on with", async () => {
  await using place = await Place.make(MODEL_REPO);
  await Deno.mkdir(join(place.modelDir, "blobs"), { recursive: true });
  const partial = join(place.modelDir, "blobs", `${ETAG}.incomplete`);
  await Deno.writeFile(partial, BYTES.subarray(0, 123_456));
  const seen: number[] = [];
  await place.fetch(MODEL, [WEIGHTS], { onProgress: ({ bytes }) => seen.push(bytes) });
  assertEquals(place.hub.fileRequests(WEIGHTS).map(({ range }) => range), [
    "bytes=123456-",
    "bytes=123456-",
  ]);
  assertEquals([seen[0], seen.at(-1)], [123_456, BYTES.length]);
});

Deno.test("Snapshot.fetch: a damaged or too long leftover is thrown away once", async () => {
  for (const leftover of [content(5000).fill(9), content(400_000)]) {
    await using place = await Place.make(MODEL_REPO);
    await Deno.mkdir(join(place.modelDir, "blobs"), { recursive: true });
    await Deno.writeFile(join(place.modelDir, "blobs", `${ETAG}.incomplete`), leftover);
    const dir = await place.fetch(MODEL, [WEIGHTS]);
    assertEquals(await Deno.readFile(join(dir, WEIGHTS)), BYTES);
  }
});

Deno.test("Snapshot.fetch: an answer that ends early is gone on with", async () => {
  await using place = await Place.make(MODEL_REPO);
  place.hub.faults.set(WEIGHTS, [{ kind: "truncate", after: 1000 }]);
  const dir = await place.fetch(MODEL, [WEIGHTS]);
  assertEquals(await Deno.readFile(join(dir, WEIGHTS)), BYTES);
});

Deno.test("Snapshot.fetch: a server that always ends early is given up", async () => {
  await using place = await Place.make(MODEL_REPO);
  place.hub.faults.set(WEIGHTS, Array(50).fill({ kind: "truncate", after: 0 }));
  const { message, hint } = await refused(place.fetch(MODEL, [WEIGHTS]), "UNREACHABLE");
  assert(message.includes("4 attempts") && message.includes("0 of 300000 bytes"), message);
  assert(hint!.includes("goes on where it stopped"), hint);
});

Deno.test("Snapshot.fetch: corrupted files are refused and removed", async () => {
  const small = { ...MODEL_REPO, files: { ...MODEL_REPO.files, "config.json": content(50) } };
  for (const path of [WEIGHTS, "config.json"]) {
    await using place = await Place.make(small);
    place.hub.faults.set(path, [{ kind: "corrupt" }]);
    const { message } = await refused(place.fetch(MODEL, [path]), "CHECKSUM_MISMATCH");
    assert(message.includes(`"${path}" of "acme/tiny"`), message);
    assertEquals(await Array.fromAsync(Deno.readDir(join(place.modelDir, "blobs"))), []);
    await place.fetch(MODEL, [path]);
  }
});

Deno.test("Snapshot.fetch: what is announced must be what was listed", async () => {
  await using place = await Place.make(MODEL_REPO);
  await place.fetch(MODEL, []);
  place.hub.repos.splice(0, 1, { ...MODEL_REPO, claims: { [WEIGHTS]: "0".repeat(64) } });
  const { message } = await refused(place.fetch(MODEL, [WEIGHTS]), "BAD_ANSWER");
  assert(message.includes("it announces 000"), message);
});

Deno.test("Snapshot.fetch: a server that ignores ranges sends the file anew", async () => {
  await using place = await Place.make(MODEL_REPO);
  place.hub.faults.set(WEIGHTS, [{ kind: "cut", after: 100_000 }, { kind: "ignoreRange" }]);
  const dir = await place.fetch(MODEL, [WEIGHTS]);
  assertEquals(await Deno.readFile(join(dir, WEIGHTS)), BYTES);
});

Deno.test("Snapshot.fetch: busy and failing servers are asked again, with their own delay", async () => {
  await using place = await Place.make(MODEL_REPO);
  const headers = { "retry-after": "0.2" };
  place.hub.faults.set(WEIGHTS, [
    { kind: "status", status: 429, headers },
    { kind: "status", status: 503 },
    { kind: "status", status: 500 },
  ]);
  place.hub.apiFaults.push({ kind: "status", status: 502 });
  const begun = performance.now();
  await place.fetch(MODEL, [WEIGHTS]);
  assert(performance.now() - begun >= 200, "retry-after was not heeded");
  place.hub.faults.set("config.json", Array(4).fill({ kind: "status", status: 500 }));
  const { message } = await refused(place.fetch(MODEL, ["config.json"]), "UNREACHABLE");
  assert(message.includes("status 500"), message);
});

Deno.test("Snapshot.fetch: silence counts as a cut", async () => {
  await using place = await Place.make(MODEL_REPO);
  place.hub.faults.set(WEIGHTS, [{ kind: "silent" }]);
  await place.fetch(MODEL, [WEIGHTS], { settings: { timeoutMs: 300 } });
  assertEquals(place.hub.fileRequests(WEIGHTS).length, 4);
});

Deno.test("Snapshot.fetch: an interrupt ends it and keeps what there is", async () => {
  await using place = await Place.make(MODEL_REPO);
  place.hub.faults.set(WEIGHTS, [{ kind: "cut", after: 100_000 }, { kind: "silent" }]);
  const stop = new AbortController();
  const reason = new Error("enough");
  const work = place.fetch(MODEL, [WEIGHTS], {
    signal: stop.signal,
    onProgress: ({ bytes }) => void (bytes === 100_000 && setTimeout(() => stop.abort(reason), 50)),
  });
  assertEquals(await assertRejects(() => work), reason);
  const { size } = await Deno.stat(join(place.modelDir, "blobs", `${ETAG}.incomplete`));
  assertEquals(size, 100_000);
});

Deno.test("Snapshot.fetch: waits for another process that downloads the same", async () => {
  await using place = await Place.make(MODEL_REPO);
  const locks = join(place.settings.cacheDir, ".locks", "models--acme--tiny");
  await Deno.mkdir(locks, { recursive: true });
  const lock = await tryFileLock(join(locks, `${ETAG}.lock`));
  const said = Promise.withResolvers<string>();
  const work = place.fetch(MODEL, [WEIGHTS], { log: said.resolve });
  assert((await said.promise).includes(`waiting for another download of "${WEIGHTS}"`));
  assertEquals(place.hub.fileRequests(WEIGHTS), []);
  lock!.close();
  await work;
});

Deno.test("Snapshot.fetch: goes on with what a killed process downloaded, its lock gone", async () => {
  await using place = await Place.make(MODEL_REPO);
  place.hub.faults.set(WEIGHTS, [{ kind: "cut", after: 100_000 }, { kind: "silent" }]);
  const { endpoint, cacheDir } = place.settings;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", new URL("fetch_program.ts", import.meta.url).href],
    env: { HF_ENDPOINT: endpoint, HF_HUB_CACHE: cacheDir },
    stdout: "piped",
  }).spawn();
  let said = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.split("\n").includes("100000")) child.kill("SIGKILL");
  }
  assertEquals((await child.status).signal, "SIGKILL");
  const dir = await place.fetch(MODEL, [WEIGHTS]);
  assertEquals(await Deno.readFile(join(dir, WEIGHTS)), BYTES);
  assertEquals(place.hub.fileRequests(WEIGHTS).at(-1)!.range, "bytes=100000-");
});

Deno.test("Snapshot.fetch: two at once download a file once", async () => {
  await using place = await Place.make(MODEL_REPO);
  await Promise.all([place.fetch(MODEL, [WEIGHTS]), place.fetch(MODEL, [WEIGHTS])]);
  assertEquals(place.hub.fileRequests(WEIGHTS).length, 2, "one request to each port");
});

Deno.test("Snapshot.fetch: without links, files lie in the snapshot itself", async () => {
  await using place = await Place.make(MODEL_REPO);
  const dir = await place.fetch(MODEL, [WEIGHTS], { settings: { symlinks: false } });
  assert((await Deno.lstat(join(dir, WEIGHTS))).isFile);
  assertEquals(await Deno.readFile(join(dir, WEIGHTS)), BYTES);
});

Deno.test("Snapshot.fetch: a disk without room is told before and while writing", async () => {
  await using place = await Place.make(MODEL_REPO);
  await Deno.mkdir(join(place.modelDir, "blobs"), { recursive: true });
  if (Deno.build.os === "linux") {
    // Every write to this device fails as on a full disk.
    await Deno.symlink("/dev/full", join(place.modelDir, "blobs", `${ETAG}.incomplete`));
    const { message } = await refused(place.fetch(MODEL, [WEIGHTS]), "DISK_FULL");
    assert(message.includes("no space is left"), message);
  }
  const trees = join(place.modelDir, "trees");
  await Deno.mkdir(trees, { recursive: true });
  const huge = { size: 2 ** 52, blob_id: "b".repeat(40) };
  await Deno.writeTextFile(
    join(trees, `${MODEL_REPO.commit}.json`),
    JSON.stringify({ format_version: 1, files: { huge } }),
  );
  const { message } = await refused(place.fetch(MODEL, ["huge"]), "DISK_FULL");
  assert(/4503599628 MB needed, \d+ MB free/.test(message), message);
});
