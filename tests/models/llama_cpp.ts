/** llama.cpp itself, for tests: opt-in, see llama_cpp_test.ts. */

import { assert } from "@std/assert";

/** Where node-llama-cpp is; undefined: nowhere. */
export const folder = Deno.env.get("NODE_LLAMA_CPP");
if (folder === undefined) {
  console.log("llama.cpp tests are skipped: NODE_LLAMA_CPP names no folder with node-llama-cpp");
}

/** What llama.cpp gave. */
interface Answer {
  tokens: number[][];
  greedy: number[][];
  /** Null where the token drawn ended the text. */
  probabilities: ([number, number][] | null)[];
}

/** Runs tests/golden/llama_cpp.mjs. */
export async function llamaCpp(request: Record<string, unknown>): Promise<Answer> {
  const script = new URL("../golden/llama_cpp.mjs", import.meta.url).pathname;
  const command = new Deno.Command("node", {
    args: [script, folder!, JSON.stringify(request)],
    stdout: "piped",
    stderr: "inherit",
  });
  const { success, stdout } = await command.output();
  assert(success, "llama.cpp failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}
