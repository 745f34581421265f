/** A pair on its way to the model: as the exact text it will see, then as token ids. */

/** Texts after the chat template: prompt + chosen and prompt + rejected are what the model reads. */
export interface TemplatedPair {
  id: string;
  source: string;
  prompt: string;
  chosen: string;
  rejected: string;
  /** True where the text already holds the template's own special tokens (no BOS/EOS to add). */
  templated: boolean;
}

/**
 * Token ids. promptIds + chosenIds and promptIds + rejectedIds equal the ids of the joined texts;
 * BOS, where the model has one, is promptIds[0]; EOS is the last id of both answers.
 */
export interface TokenizedPair {
  id: string;
  source: string;
  promptIds: number[];
  chosenIds: number[];
  rejectedIds: number[];
}
