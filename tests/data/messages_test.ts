/** Turns and tools read by themselves. */

import { assertEquals } from "@std/assert";
import { readMessage, readTools } from "../../src/data/messages.ts";

Deno.test("readTools: Parquet's bigints become numbers, empty text is no tools", () => {
  const schema = { name: "ping", limits: [{ most: 3n, least: undefined }], flag: null };
  assertEquals(readTools([schema]), [{ name: "ping", limits: [{ most: 3 }], flag: null }]);
  assertEquals(readTools(" "), undefined);
  assertEquals(readTools([]), []);
});

Deno.test("readMessage: fields that are null or of another type are left out", () => {
  const turn = { role: "tool", content: "x", name: null, tool_calls: null, tool_call_id: 3 };
  assertEquals(readMessage(turn, "prompt"), { role: "tool", content: "x" });
});
