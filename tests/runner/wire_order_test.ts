import { assertEquals } from "@std/assert";
import { orderStages } from "../../src/runner/wire/wire_order.ts";

Deno.test("orderStages: keeps the file's order where it can, and finds a cycle where it cannot", () => {
  const from = (...nodes: number[]) =>
    Object.fromEntries(nodes.map((node) => [`p${node}`, { node, port: "out" }]));
  assertEquals(orderStages([from(), from(0), from()]), { order: [0, 1, 2] });
  assertEquals(orderStages([from(3), from(), from(0), from(1)]), { order: [1, 3, 0, 2] });
  assertEquals(orderStages([from(2), from(), from(3), from(2, 1)]), { cycle: [2, 3] });
});
