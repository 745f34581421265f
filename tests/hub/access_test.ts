/** What the hub refuses, what the token is for, and what works without a network. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { cachedCommit, resolveCommit } from "../../src/hub/snapshot.ts";
import { etagOf } from "./server.ts";
import { COMMIT, MODEL, MODEL_REPO, Place, reference } from "./support.ts";

const WEIGHTS = "model.safetensors";

async function refused(
  work: Promise<unknown>,
  code: string,
  ...parts: string[]
): Promise<void> {
  const error = await assertRejects(() => work, OddsmithError);
  assertEquals(error.code, code, error.format());
  for (const part of parts) assert(error.format().includes(part), error.format());
}

Deno.test("HubClient: the token goes to the endpoint and to no other host", async () => {
  await using place = await Place.make({ ...MODEL_REPO, gated: true });
  await place.fetch(MODEL, ["config.json", WEIGHTS], { settings: { token: "hf_secret" } });
  for (const { host, authorization } of place.hub.seen) {
    assertEquals(authorization, host === "hub" ? "Bearer hf_secret" : undefined);
  }
  assert(place.hub.seen.some(({ host }) => host === "storage"));
});

Deno.test("HubClient: gated repositories name the page to ask at", async () => {
  await using place = await Place.make({ ...MODEL_REPO, gated: true });
  const page = `${place.hub.endpoint}/acme/tiny`;
  await refused(place.fetch(MODEL, []), "GATED", `"acme/tiny"`, page, "set HF_TOKEN");
  const settings = { token: "hf_other" };
  await refused(place.fetch(MODEL, [], { settings }), "GATED", "with the account of the token");
});

Deno.test("HubClient: unknown repositories and revisions come with the nearest", async () => {
  await using place = await Place.make({ ...MODEL_REPO, branches: ["v1.0"] });
  const typo = place.fetch(reference("acme/tinny"), []);
  await refused(typo, "REPO_NOT_FOUND", `did you mean "acme/tiny"?`, `write "./acme/tinny"`);
  const version = place.fetch(reference("acme/tiny", "v1.1"), []);
  await refused(version, "REVISION_NOT_FOUND", `no revision "v1.1"`, `did you mean "v1.0"?`);
});

Deno.test("HubClient: a refused token is not a missing repository", async () => {
  await using place = await Place.make(MODEL_REPO);
  const headers = { "x-error-message": "Invalid credentials in Authorization header" };
  place.hub.apiFaults.push({ kind: "status", status: 401, headers });
  const settings = { token: "hf_expired" };
  const work = place.fetch(MODEL, [], { settings });
  await refused(work, "UNAUTHORIZED", "refused access (401)", "check that the token is valid");
});

Deno.test("HubClient: no error shows a token or a signed address", async () => {
  await using place = await Place.make(MODEL_REPO);
  place.hub.faults.set(WEIGHTS, Array(4).fill({ kind: "cut", after: 0 }));
  const settings = { token: "hf_secret" };
  const error = await assertRejects(
    () => place.fetch(MODEL, [WEIGHTS], { settings }),
    OddsmithError,
  );
  assertEquals(error.code, "UNREACHABLE");
  assert(!/s3cret|hf_secret|signature/.test(error.format()), error.format());
});

Deno.test("HubClient: hosts that do not answer are told with their address", async () => {
  await using place = await Place.make();
  await place.hub[Symbol.asyncDispose]();
  const host = new URL(place.hub.endpoint).host;
  await refused(place.fetch(MODEL, []), "UNREACHABLE", host, "4 attempts", "HF_ENDPOINT");
});

Deno.test("askListing: what a server lists cannot leave the cache", async () => {
  for (const path of ["../../evil", "a/../../evil", "C:\\evil", "/etc/evil", "a//b"]) {
    await using place = await Place.make({ ...MODEL_REPO, files: { [path]: new Uint8Array(1) } });
    await refused(place.fetch(MODEL, []), "BAD_ANSWER", "lists a file wrongly");
  }
  await using place = await Place.make({ ...MODEL_REPO, claims: { "config.json": "../../x" } });
  await refused(place.fetch(MODEL, []), "BAD_ANSWER");
});

Deno.test("resolveCommit: a cached revision is kept until it is asked for anew", async () => {
  await using place = await Place.make(MODEL_REPO);
  const { settings } = place;
  assertEquals(await cachedCommit(MODEL, settings), undefined);
  assertEquals(await resolveCommit(MODEL, { settings }), COMMIT);
  const newer = "2".repeat(40);
  place.hub.repos.splice(0, 1, { ...MODEL_REPO, commit: newer });
  assertEquals(await resolveCommit(MODEL, { settings }), COMMIT);
  assertEquals(await resolveCommit(MODEL, { settings }, true), newer);
  assertEquals(await cachedCommit(MODEL, settings), newer);
  await place.hub[Symbol.asyncDispose]();
  const logs: string[] = [];
  const log = (message: string) => logs.push(message);
  assertEquals(await resolveCommit(MODEL, { settings, log }, true), newer);
  assert(logs[0]!.includes(`the cached commit ${newer} is used`), logs[0]);
});

Deno.test("resolveCommit: a whole commit is asked of nobody", async () => {
  await using place = await Place.make(MODEL_REPO);
  const which = reference("acme/tiny", COMMIT);
  assertEquals(await resolveCommit(which, { settings: place.settings }), COMMIT);
  assertEquals(place.hub.seen, []);
});

Deno.test("offline: nothing is asked, and what is missing is named", async () => {
  await using place = await Place.make(MODEL_REPO);
  const settings = { offline: true };
  const unset = "unset HF_HUB_OFFLINE";
  await refused(place.fetch(MODEL, [], { settings }), "OFFLINE", `revision "main"`, unset);
  await refused(cachedCommit(MODEL, { ...place.settings, ...settings }), "OFFLINE");
  const fixed = reference("acme/tiny", COMMIT);
  await refused(place.fetch(fixed, [WEIGHTS], { settings }), "OFFLINE", "nothing of it is cached");
  assertEquals(place.hub.seen, []);
  await place.fetch(MODEL, ["config.json"]);
  place.hub.seen.length = 0;
  const missing = place.fetch(MODEL, ["config.json", WEIGHTS], { settings });
  await refused(missing, "OFFLINE", `"model.safetensors" is not cached`);
  assertEquals(place.hub.seen, []);
});

Deno.test("Snapshot.open: a cache without a listing has to do where the hub is gone", async () => {
  await using place = await Place.make(MODEL_REPO);
  await place.hub[Symbol.asyncDispose]();
  // As an older Hugging Face library leaves it: a reference, a link, a blob.
  const bytes = MODEL_REPO.files["config.json"]!;
  const etag = etagOf(bytes, false);
  for (const folder of ["blobs", "refs", `snapshots/${COMMIT}`]) {
    await Deno.mkdir(join(place.modelDir, folder), { recursive: true });
  }
  await Deno.writeFile(join(place.modelDir, "blobs", etag), bytes);
  await Deno.writeTextFile(join(place.modelDir, "refs/main"), COMMIT);
  const link = join(place.modelDir, "snapshots", COMMIT, "config.json");
  await Deno.symlink(`../../blobs/${etag}`, link);
  const logs: string[] = [];
  const dir = await place.fetch(MODEL, ["config.json"], { log: (message) => logs.push(message) });
  assertEquals(await Deno.readFile(join(dir, "config.json")), bytes);
  assert(logs[0]!.includes("only the files that are cached are used"), logs[0]);
});
