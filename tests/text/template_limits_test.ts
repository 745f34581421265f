/** Templates that go on without end, or make more than there is room for: named, in time. */

import { assertMatch, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import { ChatTemplate } from "../../src/text/chat_template.ts";

const ENDLESS: Record<string, [template: string, message: RegExp]> = {
  "loops in loops": [
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    /goes on without end/,
  ],
  "lists in a loop": [
    "{% for i in range(99999) %}{{ range(99999) | map('string') | join }}{% endfor %}",
    /without end/,
  ],
  "a macro that calls itself": [
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    /without end/,
  ],
  "a macro that calls itself twice": [
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(99) }}",
    /goes on without end/,
  ],
  "a text that doubles": [
    "{% set a = 'x' * 1000 %}" + "{% set a = a + a %}".repeat(20) + "{{ a }}",
    /a text without end/,
  ],
  "a list that doubles": [
    "{% set a = [1] %}" + "{% set a = a + a %}".repeat(40),
    /a list is longer than 10,000,000/,
  ],
  "a filled text": ["{{ 'a'.ljust(9999999999) }}", /a text without end/],
  "a filled batch": ["{{ [1] | batch(99999999, 'x') | list }}", /more than 10,000,000/],
  "a power": ["{{ 10 ** 400 }}", /a power is too large/],
};

for (const [what, [template, message]] of Object.entries(ENDLESS)) {
  Deno.test(`ChatTemplate: ${what} is refused`, () => {
    const render = () => new ChatTemplate("endless", template).render([]);
    assertMatch(assertThrows(render, OddsmithError, '"endless"').message, message);
  });
}
