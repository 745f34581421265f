/** A preference pair, in the two forms TRL names: standard (strings) and conversational. */

import type { JsonObject } from "../base/json.ts";

/** One turn of a conversation. */
export interface Message {
  /** "system", "user", "assistant" or "tool". */
  role: string;
  /** What was said; empty for a turn of tool calls alone. */
  content: string;
  /** The speaker's name, or the name of the tool that answers. */
  name?: string;
  /** What the assistant asks tools for, each as {type: "function", function: {name, arguments}}. */
  tool_calls?: JsonObject[];
  /** The call that a tool's turn answers. */
  tool_call_id?: string;
  /** What the assistant thought before it said it. */
  reasoning_content?: string;
}

/** prompt + chosen and prompt + rejected are the two texts. */
export interface StandardPair {
  /** Stable: of the pair's content. */
  id: string;
  /** Where it came from: "file:row". */
  source: string;
  /** Tells the forms apart. */
  form: "standard";
  /** What both texts begin with; may be empty. */
  prompt: string;
  /** The answer preferred. */
  chosen: string;
  /** The answer not preferred. */
  rejected: string;
  /** The tools a chat template lists, as JSON schemas. */
  tools?: JsonObject[];
}

/** prompt is the shared start of both conversations; chosen and rejected go on from it. */
export interface ConversationalPair {
  /** Stable: of the pair's content. */
  id: string;
  /** Where it came from: "file:row". */
  source: string;
  /** Tells the forms apart. */
  form: "conversational";
  /** What both conversations begin with; ends with a user (or tool) turn. */
  prompt: Message[];
  /** The answer preferred; begins and ends with an assistant turn. */
  chosen: Message[];
  /** The answer not preferred; begins and ends with an assistant turn. */
  rejected: Message[];
  /** The tools a chat template lists, as JSON schemas. */
  tools?: JsonObject[];
}

/** A prompt, an answer preferred, an answer not. */
export type PreferencePair = StandardPair | ConversationalPair;
