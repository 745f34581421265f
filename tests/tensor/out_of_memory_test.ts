import { assertEquals, assertMatch } from "@std/assert";
import { runLimited, skipLimits } from "./limited_memory.ts";

Deno.test({
  name: "webgpu: memory that the driver refuses is an error with asked, held and allowed",
  ignore: skipLimits,
  fn: async () => {
    const child = new URL("out_of_memory_child.ts", import.meta.url).href;
    const { code, stdout, stderr } = await runLimited(child, [], 2048);
    assertEquals(code, 0, stderr);
    const error = JSON.parse(stdout);
    assertEquals(error.code, "OUT_OF_MEMORY");
    assertMatch(
      error.message,
      /asked for: 100 MiB; held by this process: [1-9]\d*00 MiB; allowed: [\d.]+ \w+ a buffer/,
    );
    assertMatch(error.hint, /^lower microBatchTokens, microBatchSize .*or maxLength/);
  },
});
