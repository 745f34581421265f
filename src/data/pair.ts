/** A preference pair, in the two forms TRL names: standard (strings) and conversational. */

/** One turn of a conversation. */
export interface Message {
  /** "system", "user", "assistant" or "tool". */
  role: string;
  content: string;
}

/** What every pair has. */
interface PairBase {
  /** Stable: of the pair's content. */
  id: string;
  /** Where it came from: "file:row". */
  source: string;
}

/** prompt + chosen and prompt + rejected are the two texts. */
export interface StandardPair extends PairBase {
  form: "standard";
  prompt: string;
  chosen: string;
  rejected: string;
}

/** prompt is the shared start of both conversations; chosen and rejected go on from it. */
export interface ConversationalPair extends PairBase {
  form: "conversational";
  prompt: Message[];
  chosen: Message[];
  rejected: Message[];
}

/** A prompt, an answer preferred, an answer not. */
export type PreferencePair = StandardPair | ConversationalPair;
