/** chat: lines on stdin, answers on stdout, all else on stderr. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { writeTinyChatModel } from "../chat/tiny_chat_model.ts";
import { Workplace } from "./program.ts";

async function withModels(positions = 256): Promise<Workplace> {
  const place = await Workplace.make();
  for (const seed of ["8", "9"]) {
    await Deno.mkdir(join(place.dir, `m${seed}`));
    await writeTinyChatModel(join(place.dir, `m${seed}`), { seed, positions });
  }
  return place;
}

const CHAT = ["chat", "m8", "--device=wasm", "--max-new-tokens=20"];

Deno.test("chat: turns follow each other, commands do what they say", async () => {
  await using place = await withModels();
  const script = [
    "Hi",
    "And now?",
    "/save said.json",
    "/reset",
    "Hi",
    "/system Be brief.",
    "/nonsense",
    "//slash",
    "/help",
    "/save",
    "/exit",
    "never heard",
  ];
  const { code, stdout, stderr } = await place.runWithInput(script.join("\n") + "\n", ...CHAT);
  assertEquals(code, 0, stderr);
  const answers = stdout.trimEnd().split("\n");
  assertEquals(answers.length, 4);
  assertEquals(answers[2], answers[0]);
  const saved = JSON.parse(await Deno.readTextFile(join(place.dir, "said.json")));
  assertEquals(saved, [
    { role: "user", content: "Hi" },
    { role: "assistant", content: answers[0] },
    { role: "user", content: "And now?" },
    { role: "assistant", content: answers[1] },
  ]);
  for (const said of ["no such command: /nonsense", "/save needs", "Ctrl-D", "cut off"]) {
    assertStringIncludes(stderr, said);
  }
  const same = ["generate", ...CHAT.slice(1), "--messages=turns.json", "--json"];
  await Deno.writeTextFile(join(place.dir, "turns.json"), JSON.stringify(saved.slice(0, 3)));
  assertEquals(JSON.parse((await place.run(...same)).stdout).text, answers[1]);
});

Deno.test("chat: two models each go on from their own answers", async () => {
  await using place = await withModels();
  const both = await place.runWithInput("Hi\nSo?\n/save t.json\n", ...CHAT, "--base=m9");
  assertEquals(both.code, 0, both.stderr);
  const alone = await place.runWithInput("Hi\nSo?", ...CHAT);
  const other = await place.runWithInput("Hi\nSo?", "chat", "m9", ...CHAT.slice(2));
  const [a, b] = [alone.stdout.trimEnd().split("\n"), other.stdout.trimEnd().split("\n")];
  const turn = (at: number) => `== m9\n${b[at]}\n== m8\n${a[at]}\n`;
  assertEquals(both.stdout, turn(0) + turn(1));
  assertMatch(both.stderr, /m9 and m8, weights of [\d.]+ [kM]iB on the device/);
  const base = JSON.parse(await Deno.readTextFile(join(place.dir, "t.base.json")));
  assertEquals(base[1].content, b[0]);
});

Deno.test("chat: a conversation that outgrows the model says what it leaves out", async () => {
  await using place = await withModels(96);
  const lines = Array(4).fill("x".repeat(20)).join("\n") + "\n" + "y".repeat(200) + "\nz\n";
  const { code, stdout, stderr } = await place.runWithInput(lines, ...CHAT);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "its oldest 2 turns are left out");
  assertStringIncludes(stderr, "CONTEXT_FULL");
  assertEquals(stdout.trimEnd().split("\n").length, 5);
});

Deno.test("chat: a model without a template is refused, unless one is named", async () => {
  await using place = await withModels();
  const config = join(place.dir, "m8", "tokenizer_config.json");
  const { chat_template: _, ...rest } = JSON.parse(await Deno.readTextFile(config));
  await Deno.writeTextFile(config, JSON.stringify(rest));
  const refused = await place.runWithInput("Hi\n", ...CHAT);
  assertEquals(refused.code, 2);
  assertStringIncludes(refused.stderr, "--template");
  const named = await place.runWithInput("Hi\n", ...CHAT, "--template=alpaca");
  assertEquals([named.code, named.stdout.trimEnd().length], [0, 20], named.stderr);
});

Deno.test({
  name: "chat: Ctrl-C stops the answer and not the program",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using place = await withModels(2048);
    const child = place.startPiped("chat", "m8", "--device=wasm", "--max-new-tokens=1900");
    const writer = child.stdin.getWriter();
    const say = (text: string) => writer.write(new TextEncoder().encode(text));
    const out = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const err = new Response(child.stderr).text();
    await say("Hi\n");
    let shown = "";
    while (shown.length < 30) shown += (await out.read()).value ?? "";
    child.kill("SIGINT");
    while (!shown.includes("\n")) shown += (await out.read()).value ?? "";
    await say("/save stopped.json\n/exit\n");
    await writer.close();
    while (!(await out.read()).done);
    assertEquals((await child.status).code, 0);
    assertStringIncludes(await err, "(stopped)");
    const saved = JSON.parse(await Deno.readTextFile(join(place.dir, "stopped.json")));
    assertEquals(saved[1].content, shown.trimEnd());
  },
});
