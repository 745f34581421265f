/** A preference pair, in the two forms TRL names: standard (strings) and conversational. */

/** One turn of a conversation. */
export interface Message {
  /** "system", "user", "assistant" or "tool". */
  role: string;
  /** What was said. */
  content: string;
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
}

/** A prompt, an answer preferred, an answer not. */
export type PreferencePair = StandardPair | ConversationalPair;
