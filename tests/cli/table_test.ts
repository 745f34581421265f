/** formatTable and its cells. */

import { assertEquals } from "@std/assert";
import { fitText, formatFigure, formatTable, textWidth } from "../../src/cli/table.ts";

Deno.test("formatTable: pads columns, puts numbers to the right, cuts trailing blanks", () => {
  const text = formatTable(["name", "count"], [["a", "5"], ["漢字", "1,234"], ["long name"]]);
  assertEquals(
    text,
    [
      "name       count",
      "---------  -----",
      "a              5",
      "漢字       1,234",
      "long name",
      "",
    ].join("\n"),
  );
});

Deno.test("fitText: cuts by columns, not by characters", () => {
  assertEquals(fitText("abcdef", 6), "abcdef");
  assertEquals(fitText("abcdef", 4), "abc…");
  assertEquals(fitText("漢字漢字", 6), "漢字…");
  assertEquals(textWidth("e\u0301"), 1);
});

Deno.test("formatFigure: five digits, exponents where they are shorter", () => {
  const cases = [[3, "3"], [0.123456, "0.12346"], [0.00001234, "1.234e-5"], [NaN, "NaN"]] as const;
  for (const [value, text] of cases) assertEquals(formatFigure(value), text);
});
