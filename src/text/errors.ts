/**
 * The errors of tokenizers, chat templates and encoding. None quotes a row's text, which may be
 * private or harmful; what a template says by raise_exception is passed on.
 */

import { type ErrorLocation, OddsmithError } from "../base/error.ts";
import { suggest } from "../base/suggest.ts";

const textError = (
  code: string,
  message: string,
  details: ConstructorParameters<typeof OddsmithError>[3] = {},
): OddsmithError => new OddsmithError("TextError", code, message, details);

/** Turns a pair's source, "file:row", into an error's place. */
function sourceLocation(source: string): ErrorLocation {
  const match = /^(.*):(\d+)$/.exec(source);
  return match ? { file: match[1]!, row: Number(match[2]) } : { file: source };
}

/** The folder has no tokenizer.json. */
export function tokenizerMissing(file: string): OddsmithError {
  return textError("TOKENIZER_MISSING", `Cannot load a tokenizer: "${file}" does not exist`, {
    location: { file },
    hint: "a model folder needs a tokenizer.json; transformers writes one with " +
      "AutoTokenizer.from_pretrained(...).save_pretrained(...)",
  });
}

/** A tokenizer's file cannot be read or holds no tokenizer. */
export function tokenizerInvalid(file: string, reason: string, cause?: unknown): OddsmithError {
  return textError("TOKENIZER_INVALID", `Cannot load a tokenizer: ${reason}`, {
    location: { file },
    hint: "the file may be cut short, or a Git LFS pointer in place of the file: fetch it again",
    cause,
  });
}

/** The tokenizer does something this project has no rule for. */
export function tokenizerUnsupported(file: string, reason: string): OddsmithError {
  return textError("TOKENIZER_UNSUPPORTED", `Cannot use the tokenizer: ${reason}`, {
    location: { file },
  });
}

/** A GGUF file's tokenizer is of a kind, or in a state, that there is no rule for. */
export function ggufTokenizer(file: string, reason: string): OddsmithError {
  return textError("GGUF_TOKENIZER", `Cannot use the file's tokenizer: ${reason}`, {
    location: { file },
    hint: "take the model as a Hugging Face folder with a tokenizer.json",
  });
}

/** A tokenizer that GGUF has no way to write. */
export function notInGguf(file: string, reason: string): OddsmithError {
  return textError("NOT_IN_GGUF", `Cannot write the tokenizer as GGUF: ${reason}`, {
    location: { file },
    hint: "export a Hugging Face folder in its place",
  });
}

/** A text holds what the vocabulary cannot spell, and there is no unknown token to stand for it. */
export function unknownCharacter(character: string): OddsmithError {
  const point = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
  return textError(
    "UNKNOWN_CHARACTER",
    `Cannot tokenize the character U+${point}: it is not in the vocabulary, and the tokenizer has ` +
      "no unknown token",
    { hint: "remove it from the data, or use the tokenizer the model was trained with" },
  );
}

/** No end-of-sequence token is known, and answers are to end with one. */
export function noEosToken(): OddsmithError {
  return textError(
    "NO_EOS",
    "Cannot end answers: neither tokenizer_config.json, special_tokens_map.json, " +
      "generation_config.json nor config.json names an end-of-sequence token",
    { hint: 'name one of the vocabulary with eosToken: "<token>", or set addEos: false' },
  );
}

/** A beginning-of-sequence token was asked for and none is known. */
export function noBosToken(): OddsmithError {
  return textError("NO_BOS", "Cannot begin prompts: the tokenizer names no BOS token", {
    hint: "leave addBos at auto",
  });
}

/** An option names a token that the vocabulary does not hold. */
export function unknownToken(option: string, token: string): OddsmithError {
  return textError(
    "UNKNOWN_TOKEN",
    `Cannot use ${option}: "${token}" is no single token of the vocabulary`,
    { hint: "name one of the tokenizer's added tokens, spelled exactly" },
  );
}

/** A text's token id lies outside the model's embedding. */
export function vocabTooSmall(
  where: { source: string; id: number; token: string; vocabSize: number },
): OddsmithError {
  return textError(
    "VOCAB_TOO_SMALL",
    `Cannot tokenize: token "${where.token}" has id ${where.id}, the model's vocab_size is ` +
      `${where.vocabSize}`,
    {
      location: sourceLocation(where.source),
      hint: "tokenizer and weights do not belong together, or a token was added without " +
        "resizing the embedding",
    },
  );
}

/** maxLength or maxPromptLength leaves no room, or more than the model has positions for. */
export function badMaxLength(reason: string, hint: string): OddsmithError {
  return textError("MAX_LENGTH", `Cannot tokenize: ${reason}`, { hint });
}

/** A pair is too long and the policy is to stop. */
export function overlongPair(
  where: { source: string; length: number; maxLength: number },
): OddsmithError {
  return textError(
    "OVERLONG",
    `Cannot tokenize: the pair takes ${where.length} tokens, maxLength is ${where.maxLength}`,
    {
      location: sourceLocation(where.source),
      hint: "raise maxLength, or set overlong: drop or truncate",
    },
  );
}

/** Nothing was left to train on. */
export function allPairsDropped(dropped: Readonly<Record<string, number>>): OddsmithError {
  const reasons = Object.entries(dropped).map(([reason, count]) => `${reason} ${count}`);
  return textError(
    "ALL_DROPPED",
    reasons.length > 0
      ? `Cannot tokenize: every training pair was dropped (${reasons.join(", ")})`
      : "Cannot tokenize: the training split has no pairs",
    {
      hint: (dropped["overlong"] ?? 0) > 0
        ? "raise maxLength, or set overlong: truncate"
        : "look at the data with: oddsmith inspect",
    },
  );
}

/** Conversations, and nothing that says how the model writes them. */
export function templateMissing(source: string): OddsmithError {
  return textError(
    "TEMPLATE_MISSING",
    "Cannot write a conversation: the model has no chat template",
    {
      location: sourceLocation(source),
      hint: "choose one (template: alpaca, chatml, llama2 or plain) or give a file " +
        "(template: { file: chat.jinja })",
    },
  );
}

/** A template's name that neither this project nor the model knows. */
export function templateUnknown(name: string, known: readonly string[]): OddsmithError {
  return textError("TEMPLATE_UNKNOWN", `Cannot find a chat template named "${name}"`, {
    hint: suggest(name, known, "templates"),
  });
}

/** A template's file cannot be read. */
export function templateUnreadable(file: string, cause: unknown): OddsmithError {
  const reason = cause instanceof Deno.errors.NotFound ? "no such file" : reasonOf(cause);
  return textError("TEMPLATE_FILE", `Cannot read the chat template "${file}": ${reason}`, {
    hint: "relative paths start at the pipeline file's folder",
    cause,
  });
}

/** A template that does not parse. */
export function templateSyntax(name: string, cause: unknown): OddsmithError {
  const reason = cause instanceof TypeError ? "it ends inside a tag or a block" : reasonOf(cause);
  return textError("TEMPLATE_SYNTAX", `Cannot parse chat template "${name}": ${reason}`, {
    hint: "chat templates are Jinja; look for a tag, a brace or a quote that is not closed",
    cause,
  });
}

/** A template that fails while it writes a row. */
export function templateRender(name: string, cause: unknown, source?: string): OddsmithError {
  return textError(
    "TEMPLATE_RENDER",
    `Cannot render chat template "${name}": ${renderReason(cause)}`,
    {
      location: source === undefined ? undefined : sourceLocation(source),
      hint: "if it uses a variable of its own, give it: variables: { name: value }",
      cause,
    },
  );
}

/** A template that refused a row with raise_exception. */
export function templateRaised(name: string, message: string, source?: string): OddsmithError {
  return textError("TEMPLATE_RAISED", `Cannot render chat template "${name}": ${message}`, {
    location: source === undefined ? undefined : sourceLocation(source),
    hint: "the template refuses this conversation; change the row, or choose another template",
  });
}

/** A template whose prompt is no beginning of the whole conversation. */
export function templateBoundary(name: string, source: string, at: number): OddsmithError {
  return textError(
    "TEMPLATE_BOUNDARY",
    `Cannot split prompt from answer: chat template "${name}" writes the prompt otherwise once an ` +
      `answer follows (from character ${at + 1} on)`,
    { location: sourceLocation(source), hint: "choose another template" },
  );
}

/** A conversation without the messages a pair needs. */
export function conversationEmpty(source: string, side: string): OddsmithError {
  return textError("TEMPLATE_EMPTY", `Cannot write a conversation: "${side}" has no messages`, {
    location: sourceLocation(source),
  });
}

const ROW_FAULTS = new Set([
  "TEMPLATE_RAISED",
  "TEMPLATE_RENDER",
  "TEMPLATE_BOUNDARY",
  "TEMPLATE_EMPTY",
]);

/** Whether an error is about one row, so that leaving the row out would do. */
export function isRowFault(error: unknown): error is OddsmithError {
  return error instanceof OddsmithError && ROW_FAULTS.has(error.code);
}

/** An option that needs a chat template, where none is used. */
export function optionNeedsTemplate(option: string): OddsmithError {
  return textError(
    "TEMPLATE_OPTION",
    `Cannot use ${option}: no chat template is in use, so there are no turns to put it in`,
    { hint: `choose a template, or remove ${option}` },
  );
}

/** The engine's words for what it has no room for tell nothing of a template. */
function renderReason(cause: unknown): string {
  return cause instanceof RangeError ? "it makes a text without end" : reasonOf(cause);
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
