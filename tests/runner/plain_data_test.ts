import { assertEquals } from "@std/assert";
import { plainJson } from "../../src/runner/load/plain_data.ts";

Deno.test("plainJson: gives JSON, or the path of what JSON cannot hold", () => {
  assertEquals(plainJson({ a: [1, "b", null], c: undefined }), { json: { a: [1, "b", null] } });
  assertEquals(plainJson({ a: [{ b: NaN }] }), { notJson: "a.0.b" });
  assertEquals(plainJson({ a: new Map() }), { notJson: "a" });
  assertEquals(plainJson({ f: () => 1 }), { notJson: "f" });
});
