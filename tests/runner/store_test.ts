/** The store: content digests, atomic keeping, checks; locks; remembered digests of files. */

import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { cacheKey, type KeyParts } from "../../src/runner/store/cache_key.ts";
import { FileDigests } from "../../src/runner/store/file_digests.ts";
import { acquireLock, lockHolder } from "../../src/runner/store/lock.ts";
import { namesIn, Store, verifyStore } from "../../src/runner/store/store.ts";
import { tamper, text } from "./fake_pipeline.ts";
import { inScratch } from "../scratch.ts";

const LABEL = "0".repeat(64);

async function keptText(store: Store, value: string): Promise<string> {
  const draft = await store.draft(text, value, LABEL);
  await store.guard(() => store.keep(draft));
  return draft.info.digest;
}

async function inStore(body: (store: Store) => Promise<void>): Promise<void> {
  await inScratch(async (dir) => {
    const store = new Store(dir);
    await store.prepare();
    await body(store);
  });
}

Deno.test("Store.draft: equal content has an equal digest; kind, version, name and bytes count", async () => {
  await inStore(async (store) => {
    const digest = async (type: typeof text) => (await store.draft(type, "a", LABEL)).info.digest;
    const renamed = {
      ...text,
      write: (value: string, dir: string) => Deno.writeTextFile(join(dir, "other.txt"), value),
    };
    const a = await digest(text);
    assertEquals(await digest(text), a);
    const others = [
      await digest({ ...text, kind: "prose" }),
      await digest({ ...text, version: 2 }),
      await digest(renamed),
      (await store.draft(text, "b", LABEL)).info.digest,
    ];
    assertEquals(new Set([a, ...others]).size, 5);
  });
});

Deno.test("Store.draft: a failing write leaves nothing", async () => {
  await inStore(async (store) => {
    const failing = {
      ...text,
      write: async (value: string, dir: string) => {
        await text.write(value, dir);
        throw new Error("pulled the plug");
      },
    };
    await assertRejects(() => store.draft(failing, "a", LABEL), Error, "pulled the plug");
    assertEquals(await namesIn(store.path("tmp")), []);
  });
});

Deno.test("Store.keep: two runs that make the same keep one artifact", async () => {
  await inStore(async (store) => {
    const drafts = await Promise.all([1, 2, 3].map(() => store.draft(text, "same", LABEL)));
    await Promise.all(drafts.map((draft) => store.guard(() => store.keep(draft))));
    assertEquals(await store.digests(), [drafts[0]!.info.digest]);
    assertEquals(await namesIn(store.path("tmp")), []);
  });
});

Deno.test("Store.check: missing, changed, grown, added and lost files are found", async () => {
  await inStore(async (store) => {
    assertEquals(await store.check("f".repeat(64)), { state: "missing" });
    const damage: [string, (file: string) => Promise<void>][] = [
      ["another content", (file) => tamper(file, "B")],
      ["2 bytes instead of 1", (file) => tamper(file, "aa")],
      ["is missing", (file) => Deno.remove(file)],
      ["does not belong", (file) => Deno.writeTextFile(`${file}.bak`, "")],
    ];
    for (const [why, act] of damage) {
      const digest = await keptText(store, "a");
      const file = join(store.filesDir(digest), "value.txt");
      await act(file);
      const found = await store.check(digest);
      assert(found.state === "damaged" && found.why.includes(why), JSON.stringify(found));
      await keptText(store, "a");
      assertEquals(await store.check(digest), { state: "ok" }, "kept anew");
    }
    const digest = await keptText(store, "a");
    await Deno.writeTextFile(store.path("artifacts", digest, "artifact.json"), "{");
    assertEquals((await store.check(digest)).state, "damaged");
  });
});

Deno.test("Store.check: another time means another look; silent changes are found by the full check", async () => {
  await inStore(async (store) => {
    const digest = await keptText(store, "a");
    const file = join(store.filesDir(digest), "value.txt");
    await Deno.utime(file, 1, 1);
    assertEquals((await store.check(digest)).state, "ok");
    assertEquals((await store.info(digest))!.files[0]!.mtimeMs, 1000);
    await tamper(file, "b");
    assertEquals((await store.check(digest)).state, "ok", "same size and time");
    const states = await Array.fromAsync(verifyStore(store.runsDir));
    assertEquals(states.map(({ state }) => state.state), ["damaged"]);
  });
});

Deno.test("acquireLock: one holder at a time, named to others, free again when let go", async () => {
  await inScratch(async (dir) => {
    const path = join(dir, "x.lock");
    const owner = { pid: 1, runId: "r", since: "now" };
    assertEquals(await lockHolder(path), { held: false });
    const lock = await acquireLock(path, owner);
    assertEquals(await acquireLock(path, { ...owner, pid: 2 }), undefined);
    assertEquals(await lockHolder(path), { held: true, owner });
    await lock!.release();
    assertEquals(await lockHolder(path), { held: false });
    await Deno.writeTextFile(path, "left by a process that was killed");
    assertEquals(await lockHolder(path), { held: false });
    await using again = await acquireLock(path, owner);
    assert(again);
  });
});

Deno.test("acquireLock: of many that ask at once exactly one gets it", async () => {
  await inScratch(async (dir) => {
    const path = join(dir, "x.lock");
    const locks = await Promise.all(
      Array.from({ length: 8 }, (_, pid) => acquireLock(path, { pid, runId: "r", since: "" })),
    );
    assertEquals(locks.filter((lock) => lock).length, 1);
    for (const lock of locks) await lock?.release();
  });
});

Deno.test("Store.alone: waits for guards and keeps new ones out", async () => {
  await inStore(async (store) => {
    const order: string[] = [];
    const entered = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    const guard = store.guard(async () => {
      entered.resolve();
      await leave.promise;
      order.push("guard");
    });
    await entered.promise;
    const alone = store.alone(() => Promise.resolve(order.push("alone")));
    await store.guard(() => Promise.resolve(order.push("shared")));
    leave.resolve();
    await Promise.all([guard, alone]);
    assertEquals(order, ["shared", "guard", "alone"]);
  });
});

Deno.test("FileDigests: remembers settled files, sees changes, ignores place and time of folders", async () => {
  await inScratch(async (dir) => {
    const memory = join(dir, "files.json");
    const file = join(dir, "data.txt");
    await Deno.writeTextFile(file, "one");
    const digests = await FileDigests.open(memory);
    const one = await digests.digest(file);
    await digests.save();
    assertEquals(await namesIn(dir), ["data.txt"], "a file just written is not remembered");
    await Deno.writeTextFile(file, "two");
    assertNotEquals(await digests.digest(file), one);
    const remembered = "5".repeat(64);
    const known = { sizeBytes: 3, sha256: remembered };
    const info = await Deno.stat(file);
    const [mtimeMs, ctimeMs] = [info.mtime!.getTime(), info.ctime!.getTime()];
    const entry = { ...known, mtimeMs, ctimeMs, inode: info.ino };
    await Deno.writeTextFile(memory, JSON.stringify({ [file]: entry }));
    assertEquals(await (await FileDigests.open(memory)).digest(file), remembered);
    await Deno.writeTextFile(memory, JSON.stringify({ [file]: { ...entry, sha256: "half" } }));
    assertNotEquals(await (await FileDigests.open(memory)).digest(file), "half");
    await Deno.writeTextFile(memory, JSON.stringify({ [file]: entry }));
    await Deno.utime(file, 5, 5);
    const reopened = await FileDigests.open(memory);
    assertNotEquals(await reopened.digest(file), remembered);
    await Deno.remove(file);
    await reopened.prune();
    await reopened.save();
    assertEquals(await Deno.readTextFile(memory), "{}");
  });
});

Deno.test("FileDigests: a folder counts whole, through links and past loops", async () => {
  await inScratch(async (dir) => {
    const digests = await FileDigests.open(join(dir, "files.json"));
    for (const name of ["a", "b"]) {
      await Deno.mkdir(join(dir, name, "deep"), { recursive: true });
      await Deno.writeTextFile(join(dir, name, "deep", "w"), "1");
    }
    await Deno.symlink("..", join(dir, "b", "deep", "up"));
    const a = await digests.digest(join(dir, "a"));
    assertEquals(await digests.digest(join(dir, "b")), a);
    await Deno.writeTextFile(join(dir, "blob"), "2");
    await Deno.symlink(join(dir, "blob"), join(dir, "a", "linked"));
    const linked = await digests.digest(join(dir, "a"));
    assertNotEquals(linked, a);
    await Deno.writeTextFile(join(dir, "blob"), "3");
    assertNotEquals(await digests.digest(join(dir, "a")), linked);
  });
});

Deno.test("cacheKey: every part counts, the order of names does not", () => {
  const parts: KeyParts = {
    contract: 1,
    stage: "s",
    version: "1",
    module: null,
    source: null,
    config: { a: 1, b: 2 },
    inputs: { x: "1" },
    outputs: { y: "t@1" },
    seed: "42/s",
    files: {},
  };
  const key = cacheKey(parts);
  assertEquals(cacheKey({ ...parts, config: { b: 2, a: 1 } }), key);
  const changes: Partial<KeyParts>[] = [
    { contract: 2 },
    { stage: "t" },
    { version: "2" },
    { module: "npm:s@1" },
    { source: "0" },
    { config: { a: 1 } },
    { inputs: { x: "2" } },
    { outputs: { y: "t@2" } },
    { seed: "43/s" },
    { files: { "a.txt": "0" } },
  ];
  const keys = changes.map((change) => cacheKey({ ...parts, ...change }));
  assertEquals(new Set([key, ...keys]).size, changes.length + 1);
});
