/**
 * The requests of OpenAI's API that a model here can answer, checked field by field. A field that
 * asks for something that is not there is refused, unless its value asks for nothing.
 */

import { z } from "zod";
import { readMessages } from "../data/messages.ts";
import type { Message } from "../data/pair.ts";
import { RowFault } from "../data/row_fault.ts";
import { badField } from "./api_error.ts";

/** What both endpoints take. */
const common = {
  model: z.string(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({
    include_usage: z.boolean().optional(),
    include_obfuscation: z.literal(false).optional(),
  }).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  seed: z.int().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  max_tokens: z.int().min(1).nullish(),
  // Not OpenAI's; named as other servers of open models name them.
  top_k: z.int().min(0).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().gt(0).nullish(),
  // What is not there, at the values that ask for nothing.
  n: z.literal(1, "only 1 answer a request is given").nullish(),
  frequency_penalty: z.literal(0, "not supported; use repetition_penalty").nullish(),
  presence_penalty: z.literal(0, "not supported; use repetition_penalty").nullish(),
  logit_bias: z.strictObject({}, "not supported").nullish(),
  // What asks nothing of an answer.
  user: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
};

const chatSchema = z.strictObject({
  ...common,
  messages: z.array(z.unknown()).min(1),
  max_completion_tokens: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  tools: z.array(z.unknown()).max(0, "tools are not supported").nullish(),
  tool_choice: z.literal("none", "tools are not supported").nullish(),
  response_format: z.strictObject({
    type: z.literal("text", "only text is supported"),
  }).nullish(),
  modalities: z.array(z.literal("text", "only text is supported")).nullish(),
  store: z.literal(false, "nothing is stored").nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  service_tier: z.enum(["auto", "default"]).nullish(),
});

const textSchema = z.strictObject({
  ...common,
  prompt: z.union([z.string(), z.array(z.string()), z.array(z.int().min(0))]),
  logprobs: z.int().min(0).max(5).nullish(),
  echo: z.literal(false, "not supported").nullish(),
  suffix: z.literal("", "not supported").nullish(),
  best_of: z.literal(1, "only 1 answer a request is given").nullish(),
});

/** A request, in the terms of this server. */
export interface CompletionRequest {
  readonly kind: "chat" | "text";
  readonly model: string;
  /** A conversation, a text, or the ids themselves. */
  readonly prompt: readonly Message[] | string | readonly number[];
  readonly stream: boolean;
  /** Whether a stream ends with the counts of tokens. */
  readonly includeUsage: boolean;
  /** How many of the likeliest tokens come with each token; undefined: no log-probabilities. */
  readonly logprobs: number | undefined;
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
  readonly seed: number | undefined;
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly topK: number | undefined;
  readonly minP: number | undefined;
  readonly repetitionPenalty: number | undefined;
}

/** Tokens of a text where a request does not say; OpenAI's. */
const TEXT_MAX_TOKENS = 16;

/** Reads a body of chat/completions. @throws {ApiError} 400. */
export function readChatRequest(body: unknown): CompletionRequest {
  const request = check(chatSchema, body);
  const { messages, logprobs, top_logprobs: top } = request;
  if (top !== undefined && top !== null && logprobs !== true) {
    throw badField('"top_logprobs" needs "logprobs": true', "top_logprobs");
  }
  return {
    ...commonOf(request),
    kind: "chat",
    prompt: messagesOf(messages),
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
    logprobs: logprobs === true ? top ?? 0 : undefined,
  };
}

/** Reads a body of completions. @throws {ApiError} 400. */
export function readTextRequest(body: unknown): CompletionRequest {
  const request = check(textSchema, body);
  return {
    ...commonOf(request),
    kind: "text",
    prompt: onePrompt(request.prompt),
    maxTokens: request.max_tokens ?? TEXT_MAX_TOKENS,
    logprobs: request.logprobs ?? undefined,
  };
}

function commonOf(request: z.output<typeof textSchema> | z.output<typeof chatSchema>) {
  const { stop, stream_options: options } = request;
  if (options && !request.stream) {
    throw badField('"stream_options" needs "stream": true', "stream_options");
  }
  return {
    model: request.model,
    stream: request.stream ?? false,
    includeUsage: options?.include_usage ?? false,
    stop: typeof stop === "string" ? [stop] : stop ?? [],
    seed: request.seed ?? undefined,
    temperature: request.temperature ?? undefined,
    topP: request.top_p ?? undefined,
    topK: request.top_k ?? undefined,
    minP: request.min_p ?? undefined,
    repetitionPenalty: request.repetition_penalty ?? undefined,
  };
}

function check<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const { success, data, error } = schema.safeParse(body);
  if (success) return data;
  const issue = error.issues[0]!;
  if (issue.code === "unrecognized_keys") {
    const name = [...issue.path, issue.keys[0]!].join(".");
    throw badField(`Unrecognized or unsupported request argument: "${name}"`, name);
  }
  const param = issue.path.join(".");
  if (param === "") throw badField(`The body is no request: ${issue.message}`, null);
  throw badField(`Invalid "${param}": ${issue.message}`, param);
}

function messagesOf(value: unknown): Message[] {
  try {
    return readMessages(value, "messages");
  } catch (error) {
    if (error instanceof RowFault) throw badField(error.message, "messages");
    throw error;
  }
}

function onePrompt(prompt: string | string[] | number[]): string | number[] {
  if (typeof prompt === "string") return prompt;
  if (prompt.length > 0 && prompt.every((id) => typeof id === "number")) return prompt;
  if (prompt.length !== 1) throw badField("One prompt a request, please", "prompt");
  return String(prompt[0]);
}
