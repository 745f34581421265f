/** A hub with one model and one dataset, a cache of its own, and settings that lose no time. */

import { join } from "@std/path";
import type { HubReference } from "../../src/hub/reference.ts";
import type { HubSettings } from "../../src/hub/settings.ts";
import { type HubOptions, resolveCommit, Snapshot } from "../../src/hub/snapshot.ts";
import { FakeHub, type FakeRepo } from "./server.ts";

/** The commit of the model. */
export const COMMIT = "1".repeat(39) + "a";
/** The model, as a pipeline names it. */
export const MODEL: HubReference = reference("acme/tiny");

/** Content of a given size that is different everywhere. */
export function content(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (at * 7 + (at >> 8) * 13) & 255);
}

/** A model repository whose weights come from the storage port. */
export const MODEL_REPO: FakeRepo = {
  type: "model",
  id: "acme/tiny",
  commit: COMMIT,
  files: {
    "config.json": new TextEncoder().encode("{}"),
    "model.safetensors": content(300_000),
    "onnx/model.onnx": content(10),
  },
  lfs: ["model.safetensors"],
};

/** A reference without an address. */
export function reference(id: string, revision = "main"): HubReference {
  return { text: revision === "main" ? id : `${id}@${revision}`, type: "model", id, revision };
}

/** A hub and an empty cache. */
export class Place implements AsyncDisposable {
  readonly hub = new FakeHub();
  readonly settings: HubSettings;

  private constructor(cacheDir: string) {
    this.settings = {
      endpoint: this.hub.endpoint,
      cacheDir,
      offline: false,
      symlinks: true,
      timeoutMs: 5000,
      attempts: 4,
      retryDelayMs: 5,
    };
  }

  /** Makes one that has the repositories. */
  static async make(...repos: FakeRepo[]): Promise<Place> {
    const place = new Place(join(await Deno.makeTempDir({ prefix: "hub-" }), "hub"));
    place.hub.repos.push(...repos);
    return place;
  }

  /** The folder of the model in the cache. */
  get modelDir(): string {
    return join(this.settings.cacheDir, "models--acme--tiny");
  }

  /** Downloads files of a repository and returns where they are. */
  async fetch(
    which: HubReference,
    paths: readonly string[],
    { settings = {}, ...options }: Omit<HubOptions, "settings"> & {
      settings?: Partial<HubSettings>;
    } = {},
  ): Promise<string> {
    const all = { ...options, settings: { ...this.settings, ...settings } };
    const snapshot = await Snapshot.open(which, await resolveCommit(which, all), all);
    await snapshot.fetch(paths);
    return snapshot.dir;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub[Symbol.asyncDispose]();
    await Deno.remove(join(this.settings.cacheDir, ".."), { recursive: true });
  }
}
