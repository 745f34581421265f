/** Readers of tokenizer files and templates against damaged ones: named errors, or sound ids. */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { Json, JsonObject } from "../../src/base/json.ts";
import type { Rng } from "../../src/base/rng.ts";
import { byteTokenizerFiles } from "../../src/text/byte_tokenizer.ts";
import { ChatTemplate } from "../../src/text/chat_template.ts";
import { NAMED_TEMPLATES } from "../../src/text/templates.ts";
import { loadTokenizer, type Tokenizer } from "../../src/text/tokenizer.ts";
import { OddsmithError } from "../../src/base/error.ts";
import { fuzz, fuzzFolder, type Outcome, readOrRefuse } from "../fuzz/fuzz.ts";
import { mutateJson, mutateText } from "../fuzz/text_mutations.ts";

const FOLDER = await fuzzFolder();
const FILE = join(FOLDER, "tokenizer.json");
const TEXT = "a b  ab 12é<s>\n</s>x";

const added = (content: string, id: number) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});
const vocabOf = (tokens: readonly string[]) =>
  Object.fromEntries(tokens.map((token, id) => [token, id]));

/** Small tokenizers of the kinds there are: each part that models use is in one of them. */
const TOKENIZERS: readonly JsonObject[] = [
  {
    version: "1.0",
    added_tokens: [added("<s>", 0), added("</s>", 1)],
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        {
          type: "Split",
          pattern: { Regex: "\\p{N}{1,3}| ?\\p{L}+|\\s+" },
          behavior: "Isolated",
          invert: false,
        },
        { type: "Digits", individual_digits: true },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
      special_tokens: { "<s>": { id: "<s>", ids: [0], tokens: ["<s>"] } },
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: vocabOf([
        "<s>",
        "</s>",
        "a",
        "b",
        "Ġ",
        "1",
        "2",
        "x",
        "Ċ",
        "Ã",
        "©",
        "ab",
        "Ġa",
        "Ġab",
        "<",
        ">",
        "s",
        "/",
      ]),
      merges: ["a b", "Ġ a", "Ġa b"],
    },
  },
  {
    added_tokens: [added("<unk>", 0), added("<s>", 1), added("</s>", 2)],
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
    model: {
      type: "BPE",
      unk_token: "<unk>",
      fuse_unk: true,
      byte_fallback: true,
      vocab: vocabOf(["<unk>", "<s>", "</s>", "<0x0A>", "<0xC3>", "<0xA9>", "▁", "a", "b", "▁a"]),
      merges: [["▁", "a"]],
    },
  },
  {
    added_tokens: [added("<s>", 1)],
    normalizer: { type: "BertNormalizer", clean_text: true, lowercase: true, strip_accents: null },
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    post_processor: { type: "BertProcessing", cls: ["<s>", 1], sep: ["<s>", 1] },
    decoder: { type: "Metaspace", replacement: "▁" },
    model: {
      type: "Unigram",
      unk_id: 0,
      vocab: [["<unk>", 0], ["<s>", 0], ["▁", -1.5], ["a", -2], ["b", -2], ["▁a", -1], ["1", -4]],
    },
  },
  {
    added_tokens: [added("[UNK]", 0), added("[SEP]", 1)],
    pre_tokenizer: { type: "BertPreTokenizer" },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: vocabOf(["[UNK]", "[SEP]", "a", "##b", "ab", "1"]),
    },
  },
];

const SETTINGS: Readonly<Record<string, Json>> = {
  "tokenizer_config.json": {
    bos_token: "<s>",
    eos_token: { content: "</s>", special: true },
    pad_token: null,
    add_bos_token: true,
    add_eos_token: false,
    model_max_length: 1e30,
    chat_template: [{ name: "default", template: "{{ bos_token }}{{ messages[0].content }}" }],
  },
  "special_tokens_map.json": { bos_token: "<s>", eos_token: "</s>" },
  "generation_config.json": { bos_token_id: 0, eos_token_id: [1, 2], do_sample: true },
  "config.json": { vocab_size: 32, max_position_embeddings: 64, bos_token_id: 0, eos_token_id: 1 },
};

function writeFolder(files: Readonly<Record<string, Json | Uint8Array>>): void {
  for (const [name, value] of Object.entries(files)) {
    const bytes = value instanceof Uint8Array
      ? value
      : new TextEncoder().encode(JSON.stringify(value));
    Deno.writeFileSync(join(FOLDER, name), bytes);
  }
}

/** Uses a tokenizer as training does: its ids are tokens, and any of them can be written out. */
function use(tokenizer: Tokenizer): Outcome {
  const isToken = (id: number | undefined) => Number.isSafeInteger(id) && id! >= 0;
  assert([...tokenizer.eosTokenIds].every(isToken));
  let ids: number[];
  try {
    ids = tokenizer.encode(TEXT, { addSpecialTokens: true });
    assertEquals(tokenizer.encodeEndings("a ", ["b", ""]).map((found) => found.every(isToken)), [
      true,
      true,
    ]);
  } catch (error) {
    assert(error instanceof OddsmithError, String(error));
    if (error.code === "UNKNOWN_CHARACTER") return "read";
    assertEquals([error.code, error.location?.file], ["TOKENIZER_INVALID", FILE]);
    return "refused";
  }
  assert(ids.every(isToken), `ids ${ids}`);
  assertEquals(typeof tokenizer.decode(ids), "string");
  assertEquals(typeof tokenizer.decode(ids, { skipSpecialTokens: true }), "string");
  for (let id = 0; id < 40; id++) tokenizer.isBlank(id);
  for (const text of Object.values(tokenizer.specialTokens)) assertEquals(typeof text, "string");
  return "read";
}

async function load(): Promise<Outcome> {
  const tokenizer = await readOrRefuse(["TextError"], () => loadTokenizer(FOLDER));
  if (tokenizer === undefined) return "refused";
  return use(tokenizer);
}

Deno.test("loadTokenizer: a damaged tokenizer.json is refused, or gives ids that are tokens", async () => {
  writeFolder({
    "tokenizer_config.json": {},
    "special_tokens_map.json": {},
    "generation_config.json": {},
    "config.json": {},
  });
  for (const sound of TOKENIZERS) {
    writeFolder({ "tokenizer.json": sound });
    assertEquals(await load(), "read");
  }
  await fuzz("tokenizer.json", async (rng) => {
    writeFolder({ "tokenizer.json": mutateJson(rng, TOKENIZERS[rng.int(TOKENIZERS.length)]!) });
    return await load();
  });
});

Deno.test("loadTokenizer: damaged settings are refused, or give ids that are tokens", async () => {
  writeFolder({ "tokenizer.json": TOKENIZERS[0]!, ...SETTINGS });
  assertEquals(await load(), "read");
  const names = Object.keys(SETTINGS);
  await fuzz("tokenizer settings", async (rng) => {
    const name = names[rng.int(names.length)]!;
    writeFolder({ [name]: mutateJson(rng, SETTINGS[name]!) });
    try {
      return await load();
    } finally {
      writeFolder({ [name]: SETTINGS[name]! });
    }
  });
});

const TEMPLATES = [
  JSON.parse(byteTokenizerFiles()["tokenizer_config.json"]!).chat_template as string,
  ...Object.values(NAMED_TEMPLATES),
  "{%- set ns = namespace(n=0) -%}{% macro turn(m, i=0) %}[{{ i }}:{{ m.role | upper }}] " +
  "{{ m['content'] | trim | replace('a', 'b') | tojson }}{% endmacro %}" +
  "{% for m in messages[::-1] if m.content is string %}{% set ns.n = ns.n + loop.index0 * 2 ** 3 %}" +
  "{{ turn(m, loop.index) }}{% if loop.last and not (m.role == 'user' or false) %}{% break %}" +
  "{% endif %}{% else %}none{% endfor %}{{ '%05.2f|%s' % (ns.n / 7, [1, {'a': none}]) }}" +
  "{{ range(1, 9) | list | map('string') | join(', ') }}{{ 'x' * 3 }}{{ messages | length }}",
];
const MARKS = [
  "{{",
  "}}",
  "{%",
  "%}",
  "{#",
  "#}",
  "'",
  '"',
  "(",
  ")",
  "[",
  "]",
  "|",
  "~",
  "-",
  " if ",
  " in ",
  " for ",
  "{% endfor %}",
  "{% if x %}",
  " * 999999999",
  "[99999999999]",
  "range(99999999)",
  "1e999",
  "9".repeat(40),
  ".x",
  "\\",
  "\u0000",
  " ** 99999",
  "[::0]",
  "'%999999999s' % 1",
  ".__class__",
  "|constructor",
  ".constructor",
  "['__proto__']",
  "{{ self }}",
  "{{ loop }}",
  "| batch(0)",
  "| indent(99999999)",
];
const MESSAGES = [{ role: "user", content: "Hi a" }, { role: "assistant", content: "Yes" }];

Deno.test("ChatTemplate: a damaged template is refused with its name, or renders text", async () => {
  const sound = TEMPLATES.map((template) => new TextEncoder().encode(template));
  await fuzz("chat templates", (rng: Rng) => {
    const source = new TextDecoder().decode(mutateText(rng, sound[rng.int(sound.length)]!, MARKS));
    try {
      const template = new ChatTemplate("fuzz", source);
      const rendered = template.render(MESSAGES, { specialTokens: { bos_token: "<s>" } });
      assertEquals(typeof rendered, "string");
      return "read";
    } catch (error) {
      assert(error instanceof OddsmithError && error.kind === "TextError", String(error));
      assert(error.message.includes('"fuzz"'));
      return "refused";
    }
  });
});
