/** The errors of answering and of conversations. */

import { OddsmithError } from "../base/error.ts";

/** A conversation whose last turn alone does not fit. */
export function contextFull(tokens: number, limit: number): OddsmithError {
  return new OddsmithError(
    "ChatError",
    "CONTEXT_FULL",
    `Cannot answer: the last turn alone takes ${tokens} tokens of the model's ${limit}`,
    { hint: "say it shorter; the conversation is as it was before" },
  );
}
