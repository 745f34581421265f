import { assertEquals } from "@std/assert";
import { findJsonFault } from "../../src/runner/load/json_fault.ts";

Deno.test("findJsonFault: says where a text stops being JSON", () => {
  const fault = (text: string) => {
    const found = findJsonFault(text);
    return found && `${found.offset}: ${found.reason}`;
  };
  for (
    const text of [`{"a": [1, -2.5e3, true, null, "\\u00e9\\n"], "b": {}}`, " 1 ", `"x"`, "[]"]
  ) {
    assertEquals(fault(text), undefined, text);
  }
  assertEquals(fault(`{"a": 01}`), `6: expected a value, received "01"`);
  assertEquals(fault(`{"a": 1,}`), `8: expected a key, received "}"`);
  assertEquals(fault(`{a: 1}`), `1: expected a key or "}", received "a"`);
  assertEquals(fault(`{"a" 1}`), `5: expected ":", received "1"`);
  assertEquals(fault(`[1 2]`), `3: expected "," or "]", received "2"`);
  assertEquals(fault(`[1}`), `2: expected "," or "]", received "}"`);
  assertEquals(fault(`{} {}`), `3: expected the end, received "{"`);
  assertEquals(fault(`["a\nb"]`), `1: expected a value or "]", received "a`);
  assertEquals(fault(``), `0: expected a value, received the end of the file`);
});
