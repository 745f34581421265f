/** Pairs of plain texts, with their prompt (`standard`) or without it (`standard-implicit`). */

import { commonPrefixLength } from "../common_prefix.ts";
import { RowFault } from "../row_fault.ts";
import type { DatasetType } from "./dataset_type.ts";
import { textField } from "./fields.ts";

/** {prompt, chosen, rejected}: three texts, joined as they are. */
export const standard: DatasetType = {
  requires: ["prompt", "chosen", "rejected"],
  convert: (fields) => {
    const prompt = textField(fields, "prompt");
    if (prompt.trim() === "") throw new RowFault("emptyPrompt");
    return {
      form: "standard",
      prompt,
      chosen: textField(fields, "chosen"),
      rejected: textField(fields, "rejected"),
    };
  },
};

/** {chosen, rejected}: two texts that begin with their prompt; it may be empty. */
export const standardImplicit: DatasetType = {
  requires: ["chosen", "rejected"],
  convert: (fields) => {
    const chosen = textField(fields, "chosen");
    const rejected = textField(fields, "rejected");
    if (chosen.trim() === "" || rejected.trim() === "") throw new RowFault("emptyAnswer");
    if (chosen.trim() === rejected.trim()) throw new RowFault("identicalAnswers");
    const cut = commonPrefixLength(chosen, rejected);
    return {
      form: "standard",
      prompt: chosen.slice(0, cut),
      chosen: chosen.slice(cut),
      rejected: rejected.slice(cut),
    };
  },
};
