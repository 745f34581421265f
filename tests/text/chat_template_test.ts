/** Chat templates against transformers, and what they say when they fail. */

import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { OddsmithError } from "../../src/base/error.ts";
import type { Message } from "../../src/data/pair.ts";
import { byteTokenizerFiles } from "../../src/text/byte_tokenizer.ts";
import { ChatTemplate } from "../../src/text/chat_template.ts";
import { strftime } from "../../src/text/strftime.ts";
import { NAMED_TEMPLATES } from "../../src/text/templates.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import golden from "../golden/templates_golden.json" with { type: "json" };
import { SHARED_TOKENIZERS, testWith } from "./tokenizer_sources.ts";

type Rendered = (string | { error: string })[][];
const rendered = golden.rendered as unknown as Record<string, Rendered>;
const sources = golden.templates as Record<string, string>;

function checkAgainst(name: string, source: string, specialTokens: Record<string, string>): void {
  const template = new ChatTemplate(name, source);
  (golden.conversations as Message[][]).forEach((messages, at) => {
    for (const addGenerationPrompt of [false, true]) {
      const expected = rendered[name]![at]![Number(addGenerationPrompt)]!;
      const render = () => template.render(messages, { specialTokens, addGenerationPrompt });
      if (typeof expected === "string") assertEquals(render(), expected);
      else assertThrows(render, OddsmithError, `Cannot render chat template "${name}"`);
    }
  });
}

for (const [name, source] of Object.entries(sources)) {
  Deno.test(`ChatTemplate.render: "${name}" equals transformers on ${golden.conversations.length} conversations`, () => {
    checkAgainst(name, source, golden.specialTokens);
  });
}

Deno.test("NAMED_TEMPLATES: the golden file was made from these", () => {
  const config = JSON.parse(byteTokenizerFiles()["tokenizer_config.json"]!);
  const ours = { ...NAMED_TEMPLATES, "byte-level": config.chat_template };
  for (const [name, source] of Object.entries(ours)) assertEquals(source, sources[name]);
});

testWith(
  SHARED_TOKENIZERS.minimind!,
  "ChatTemplate.render: minimind's template equals transformers",
  async () => {
    const tokenizer = await loadTokenizer(SHARED_TOKENIZERS.minimind!);
    checkAgainst("minimind", tokenizer.chatTemplate!, { ...tokenizer.specialTokens });
  },
);

function errorOf(run: () => unknown): OddsmithError {
  try {
    run();
  } catch (error) {
    assertInstanceOf(error, OddsmithError);
    return error;
  }
  throw new Error("nothing was thrown");
}

const user: Message[] = [{ role: "user", content: "Hi" }];

Deno.test("ChatTemplate: a template that does not parse is named", () => {
  for (const source of ["{% if x %}", "{{ ", "{% for %}{% endfor %}", "{{ 'open }}"]) {
    const error = errorOf(() => new ChatTemplate("mine.jinja", source));
    assertEquals(error.code, "TEMPLATE_SYNTAX");
    assertStringIncludes(error.message, '"mine.jinja"');
  }
});

Deno.test("ChatTemplate.render: raise_exception gives the template's words, its name and the row", () => {
  const template = new ChatTemplate("strict", "{{ raise_exception('no ' + messages[0].role) }}");
  const error = errorOf(() => template.render(user, { source: "pairs.jsonl:7" }));
  assertEquals(
    error.format(),
    `TextError TEMPLATE_RAISED: Cannot render chat template "strict": no user\n` +
      "  at pairs.jsonl row 7\n" +
      "  hint: the template refuses this conversation; change the row, or choose another template",
  );
});

Deno.test("ChatTemplate.render: a template that fails names itself and the row", () => {
  const template = new ChatTemplate("broken", "{{ undefined_name + 'x' }}");
  const error = errorOf(() => template.render(user, { source: "data/a.csv:12" }));
  assertEquals(error.code, "TEMPLATE_RENDER");
  assertStringIncludes(error.format(), 'chat template "broken"');
  assertStringIncludes(error.format(), "at data/a.csv row 12");
});

Deno.test("ChatTemplate.render: variables reach the template, and content is never read as Jinja", () => {
  const template = new ChatTemplate(
    "v",
    "{{ mood }}{{ messages[0].content }}{{ range(3)|length }}",
  );
  const messages = [{ role: "user", content: "{{ mood }}" }];
  assertEquals(
    template.render(messages, { variables: { mood: "calm " } }),
    "calm {{ mood }}3",
  );
});

Deno.test("ChatTemplate.render: what a rendering sees is its own, whatever came before", () => {
  const template = new ChatTemplate(
    "t",
    "{{ bos_token }}{{ mood }}{% if list %}{{ list|length }}{% endif %}{% set mood = 'set' %}{{ mood }}" +
      "{{ strftime_now('%Y') }}{{ messages|length }}{% if fail %}{{ raise_exception('no') }}{% endif %}",
  );
  const specialTokens = { bos_token: "<s>" };
  const variables = { mood: "calm", list: [1] };
  const date = new Date("2024-07-06");
  for (let round = 0; round < 2; round++) {
    const options = { specialTokens, variables, date };
    assertEquals(template.render(user, options), "<s>calm1set20241");
    const later = { ...options, date: new Date("2025-01-01") };
    assertEquals(template.render([...user, ...user], later), "<s>calm1set20252");
    const others = { ...options, variables: { mood: "wild", list: [] } };
    assertEquals(template.render(user, others), "<s>wildset20241");
    assertEquals(template.render(user, { date }), "set20241");
    const failing = { ...options, variables: { fail: true }, source: `a.jsonl:${round}` };
    const error = errorOf(() => template.render(user, failing));
    assertEquals(error.location, { file: "a.jsonl", row: round });
  }
});

Deno.test("ChatTemplate.render: strftime_now prints the date given", () => {
  const template = new ChatTemplate("dated", "{{ strftime_now('%d %b %Y') }}");
  assertEquals(template.render(user, { date: new Date("2024-07-06") }), "06 Jul 2024");
});

Deno.test("strftime: spells every directive as Python's C locale", () => {
  const date = new Date("2024-02-29T13:05:09Z");
  assertEquals(
    strftime(date, "%Y %y %m %d %e %B %b %h %A %a %j %H %I %M %S %p %F %T %% %Q"),
    "2024 24 02 29 29 February Feb Feb Thursday Thu 060 13 01 05 09 PM 2024-02-29 13:05:09 % %Q",
  );
});
