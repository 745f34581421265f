import { assertEquals } from "@std/assert";
import { jsonText, withFields } from "../../src/base/json_text.ts";

Deno.test("withFields: numbers stay as they are written, fields are replaced in place", () => {
  const text =
    '{"cap": 30.0, "eps": 1e-05, "dtype": "bfloat16", "list": [1, 2.50, "3.0"], "n": null}';
  const changed = withFields(text, { dtype: "float32", extra: "x" });
  assertEquals(
    changed.replace(/\s+/g, ""),
    '{"cap":30.0,"eps":1e-05,"dtype":"float32","list":[1,2.50,"3.0"],"n":null,"extra":"x"}',
  );
});

Deno.test("withFields: integers beyond 2^53 keep their digits", () => {
  const changed = withFields('{"n": 1000000000000000019884624838656}', {});
  assertEquals(changed, '{\n  "n": 1000000000000000019884624838656\n}\n');
});

Deno.test("jsonText: whole numbers are floats where they are to be", () => {
  const text = jsonText(
    { cap: 30, size: 30, eps: 1e-6, deep: { cap: 2.5 }, none: null },
    new Set(["cap", "eps"]),
  );
  assertEquals(
    text.replace(/\s+/g, ""),
    '{"cap":30.0,"size":30,"eps":0.000001,"deep":{"cap":2.5},"none":null}',
  );
});
