import { assert, assertEquals } from "@std/assert";
import { portDemand, stageFaults } from "../../src/runner/load/stage_contract.ts";
import { compare, fakeStages, rawRows, train } from "./fake_stages.ts";

Deno.test("stageFaults: finds none in a stage, and names each field that is wrong", () => {
  for (const stage of fakeStages.values()) assertEquals(stageFaults(stage), []);
  assertEquals(
    stageFaults({
      ...train,
      summary: "",
      cache: "always",
      volatile: "a",
      sources: 1,
      run: undefined,
    }),
    [
      `"summary" is not text`,
      `"run" is not a function`,
      `"sources" is not a function`,
      `"volatile" is not a list`,
      `"cache" is neither "content" nor "never"`,
    ],
  );
  assertEquals(stageFaults({ ...train, inputs: { rows: { kind: "rows" } }, outputs: null }), [
    `"inputs.rows" is not an artifact type`,
    `"outputs" is not an object`,
  ]);
  for (const value of [null, 3, "init", [], () => {}]) assert(stageFaults(value).length > 0);
});

Deno.test("portDemand: gives both forms of a port in the long one", () => {
  assertEquals(portDemand(rawRows), { type: rawRows, optional: false, pick: "nearest" });
  assertEquals(portDemand(compare.inputs.before), compare.inputs.before);
});
