/** What small templates give, against Jinja as transformers sets it up. */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import type { Json } from "../../src/base/json.ts";
import { ChatTemplate } from "../../src/text/chat_template.ts";
import golden from "../golden/jinja.json" with { type: "json" };

const variables = golden.data as Record<string, Json>;
const date = new Date("2026-02-03T04:05:06Z");

function rendered(template: string): string {
  try {
    return new ChatTemplate("small", template).render([], { variables, date });
  } catch (error) {
    if (error instanceof OddsmithError) return "!";
    throw error;
  }
}

Deno.test(`ChatTemplate.render: ${golden.cases.length} small templates equal Jinja, errors too`, () => {
  assertEquals(golden.cases.length > 450, true);
  for (const [template, expected] of golden.cases) {
    assertEquals(rendered(template!), expected, template);
  }
});

const REFUSED: Readonly<Record<string, string>> = {
  "{{ 1 < 2 < 3 }}": "comparisons in a chain",
  "{{ 'a' in 'ab' == true }}": "comparisons in a chain",
  "{{ (1,) }}": "CloseParen",
  "{% with x = 1 %}{% endwith %}": "with",
  "{% include 'x' %}": "include",
  "{{ '\\d' }}": "escaped character",
};

Deno.test("ChatTemplate: what the parser would misread or cannot read is an error that says it", () => {
  for (const [template, reason] of Object.entries(REFUSED)) {
    const error = assertThrows(() => new ChatTemplate("small", template), OddsmithError);
    assertEquals(error.code, "TEMPLATE_SYNTAX");
    assertStringIncludes(error.format(), reason);
  }
});

Deno.test("ChatTemplate.render: data cannot make a template fill the memory", () => {
  const hostile = ["{{ 'x' * 100000000 }}", "{{ [0] * 100000000 }}", "{{ range(100001) }}"];
  for (const template of hostile) assertEquals(rendered(template), "!", template);
});

Deno.test("ChatTemplate.render: a rendering leaves its data as it was", () => {
  const data = { a: { b: [1] } };
  const template = new ChatTemplate(
    "keeps",
    "{% set c = a.b + [2] %}{{ c }}{% set a = 1 %}{{ a }}{{ {'b': 2}.b }}",
  );
  const once = template.render([], { variables: data });
  assertEquals(template.render([], { variables: data }), once);
  assertEquals(data, { a: { b: [1] } });
});
