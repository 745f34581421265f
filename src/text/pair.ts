/** A pair on its way to the model: as the exact text it will see, then as token ids. */

/** Texts after the chat template: prompt + chosen and prompt + rejected are what the model reads. */
export interface TemplatedPair {
  /** The preference pair's. */
  id: string;
  /** Where it came from: "file:row". */
  source: string;
  /** What both answers follow. */
  prompt: string;
  /** The answer preferred, as the template adds it to the prompt. */
  chosen: string;
  /** The other one. */
  rejected: string;
  /** True where a chat template wrote the text, special tokens and all. */
  templated: boolean;
}

/**
 * Token ids. promptIds + chosenIds and promptIds + rejectedIds equal the ids of the joined texts;
 * BOS, where the model begins texts with one, is promptIds[0], once; EOS ends both answers, once
 * (a template may write white space after it). Each has at least one id.
 */
export interface TokenizedPair {
  /** The preference pair's. */
  id: string;
  /** Where it came from: "file:row". */
  source: string;
  /** Ids that both answers follow. */
  promptIds: number[];
  /** Ids of the answer preferred. */
  chosenIds: number[];
  /** Ids of the other one. */
  rejectedIds: number[];
}
