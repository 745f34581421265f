/** serve, as a program: its address, its answer, its end. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import OpenAI from "openai";
import { writeTinyChatModel } from "../chat/tiny_chat_model.ts";
import { Workplace } from "./program.ts";

Deno.test({
  name: "serve: says where it listens, answers, and ends cleanly on Ctrl-C",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using place = await Workplace.make();
    await Deno.mkdir(join(place.dir, "tiny"));
    await writeTinyChatModel(join(place.dir, "tiny"), { seed: "8" });
    const child = place.start("serve", "tiny", "--device=wasm", "--port=0", "--json");
    const out = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { url, model } = JSON.parse((await out.read()).value!);
    assertEquals([model, new URL(url).hostname], ["tiny", "127.0.0.1"]);
    const client = new OpenAI({ baseURL: url, apiKey: "none", maxRetries: 0 });
    const got = await client.completions.create({ model, prompt: "Hi", temperature: 0 });
    assertEquals(got.choices[0]!.text.length, 16);
    const port = new URL(url).port;
    const second = await place.run("serve", "tiny", "--device=wasm", `--port=${port}`);
    assertEquals(second.code, 2);
    assertStringIncludes(second.stderr, "another program listens there");
    child.kill("SIGINT");
    assertEquals((await child.status).code, 0);
    const err = await new Response(child.stderr).text();
    assertStringIncludes(err, url);
    assertStringIncludes(err, "POST /v1/completions 200 3+16 tokens");
    assertStringIncludes(err, "shutting down");
    assertEquals((await out.read()).done, true);
  },
});
