/**
 * Real chat templates against transformers. They are read from npm's @huggingface/ollama-utils, and,
 * where TRL_CHAT_TEMPLATES names the folder trl/chat_templates of PyPI's trl 1.16.0, from there.
 */

// The package is in the graph, so that its files are there to read.
import "@huggingface/ollama-utils";
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { OddsmithError } from "../../src/base/error.ts";
import { sha256 } from "../../src/base/hash.ts";
import type { Json, JsonObject } from "../../src/base/json.ts";
import type { Message } from "../../src/data/pair.ts";
import { ChatTemplate } from "../../src/text/chat_template.ts";
import golden from "../golden/chat_templates.json" with { type: "json" };

type Case = { messages: Message[]; tools?: JsonObject[]; variables?: Record<string, Json> };
type Rendered = { digest: string; rendered: string };

const cases = Object.entries(golden.cases as unknown as Record<string, Case>);
const digest = (text: string) => sha256(text).slice(0, 16);
const date = new Date(`${golden.now}Z`);

function rendered(template: ChatTemplate, one: Case, addGenerationPrompt: boolean): string {
  const { specialTokens } = golden;
  const { tools, variables } = one;
  const options = { specialTokens, tools, variables, addGenerationPrompt, date };
  try {
    return digest(template.render(one.messages, options));
  } catch (error) {
    if (error instanceof OddsmithError) return "!";
    throw error;
  }
}

function check(name: string, source: string, expected: Rendered): void {
  assertEquals(digest(source), expected.digest, `the golden is of another "${name}"`);
  const template = new ChatTemplate(name, source);
  const digests = expected.rendered.split(" ");
  assertEquals(digests.length, 2 * cases.length);
  cases.forEach(([title, one], at) => {
    for (const generation of [false, true]) {
      const wanted = digests[2 * at + Number(generation)];
      assertEquals(
        rendered(template, one, generation),
        wanted,
        `${name}, "${title}", ${generation}`,
      );
    }
  });
}

/** The package's templates by model; it exports none of them. */
async function packageTemplates(): Promise<Map<string, string>> {
  const entry = fromFileUrl(import.meta.resolve("@huggingface/ollama-utils"));
  const source = await Deno.readTextFile(join(entry, "../../src/chat-template-automap.ts"));
  const literals = source.matchAll(/model: "([^"]+)",\s*gguf:\s*("(?:[^"\\]|\\.)*")/g);
  return new Map(Array.from(literals, ([, model, text]) => [model!, JSON.parse(text!)]));
}

const fromPackage = Object.entries(golden.templates["ollama-utils"]);

Deno.test(`ChatTemplate.render: ${fromPackage.length} templates of npm equal transformers on ${cases.length} conversations`, async () => {
  const templates = await packageTemplates();
  assertEquals(fromPackage.length >= 80, true);
  for (const [name, expected] of fromPackage) check(name, templates.get(name)!, expected);
});

const fromTrl = Object.entries(golden.templates.trl);
const folder = Deno.env.get("TRL_CHAT_TEMPLATES");
const title = `ChatTemplate.render: ${fromTrl.length} templates of TRL equal transformers`;
if (folder === undefined) console.log(`skipped: "${title}" needs TRL_CHAT_TEMPLATES`);

Deno.test({
  name: title,
  ignore: folder === undefined,
  fn: async () => {
    for (const [name, expected] of fromTrl) {
      check(name, await Deno.readTextFile(join(folder!, name)), expected);
    }
  },
});
