/** A server of a tiny model on a free port, and OpenAI's own client for it. */

import OpenAI from "openai";
import { LoadedModel } from "../../src/chat/loaded_model.ts";
import { ModelServer, type ServeOptions } from "../../src/serve/server.ts";
import { openDevice } from "../../src/tensor/device.ts";
import { writeTinyChatModel } from "../chat/tiny_chat_model.ts";

/** A server, its client, and what it logged. */
export class ServePlace implements AsyncDisposable {
  readonly loaded: LoadedModel;
  readonly server: ModelServer;
  readonly client: OpenAI;
  readonly lines: string[];
  readonly #dir: string;

  private constructor(dir: string, loaded: LoadedModel, server: ModelServer, lines: string[]) {
    this.#dir = dir;
    this.loaded = loaded;
    this.server = server;
    this.lines = lines;
    this.client = new OpenAI({ baseURL: this.server.url, apiKey: "none", maxRetries: 0 });
  }

  /** Makes one; `files` are written over the model's. */
  static async make(
    options: Partial<ServeOptions> & { seed?: string; files?: Record<string, string> } = {},
  ): Promise<ServePlace> {
    const { seed = "8", files = {}, ...serve } = options;
    const dir = await Deno.makeTempDir({ prefix: "serve-" });
    await writeTinyChatModel(dir, { seed });
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${dir}/${name}`, text);
    }
    const loaded = await LoadedModel.load({ path: dir }, { device: await openDevice("wasm") });
    const lines: string[] = [];
    const server = await ModelServer.listen(loaded, {
      modelName: "tiny",
      port: 0,
      maxWaiting: 8,
      log: (line) => lines.push(line),
      ...serve,
    });
    return new ServePlace(dir, loaded, server, lines);
  }

  /** Sends a body as it is. */
  async post(path: string, body: BodyInit, headers: Record<string, string> = {}) {
    const response = await fetch(this.server.url + path, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", ...headers },
    });
    return { status: response.status, headers: response.headers, json: await response.json() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.shutdown();
    this.loaded[Symbol.dispose]();
    await Deno.remove(this.#dir, { recursive: true });
  }
}
