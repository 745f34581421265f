/** A pair on its way to the model: as the exact text it will see, then as token ids. */

/** Texts after the chat template: prompt + chosen and prompt + rejected are what the model reads. */
export interface TemplatedPair {
  id: string;
  source: string;
  prompt: string;
  chosen: string;
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
  id: string;
  source: string;
  promptIds: number[];
  chosenIds: number[];
  rejectedIds: number[];
}
