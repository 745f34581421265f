/**
 * Instruction sets (Alpaca, Argilla, Orca): instruction, input, system and history become a
 * conversation; the input follows the instruction after a blank line.
 */

import type { Message } from "../pair.ts";
import { RowFault } from "../row_fault.ts";
import { withSystem } from "./conversational.ts";
import type { DatasetType } from "./dataset_type.ts";
import { type Fields, optionalText, textField } from "./fields.ts";

/** {instruction, input?, system?, history?, chosen, rejected}: texts, and pairs of texts. */
export const alpaca: DatasetType = {
  requires: ["prompt", "chosen", "rejected"],
  convert: (fields) => {
    const question = [textField(fields, "prompt"), optionalText(fields, "input")]
      .filter((part) => part.trim() !== "").join("\n\n");
    const turns = [...readHistory(fields), { role: "user", content: question }];
    return {
      form: "conversational",
      prompt: withSystem(fields, turns),
      chosen: [{ role: "assistant", content: textField(fields, "chosen") }],
      rejected: [{ role: "assistant", content: textField(fields, "rejected") }],
    };
  },
};

function readHistory(fields: Fields): Message[] {
  const history = fields.history ?? [];
  if (!Array.isArray(history)) throw new RowFault("wrongType", `"history" is not a list`);
  return history.flatMap((round) => {
    const [asked, answered, ...rest] = Array.isArray(round) ? round : [];
    if (typeof asked !== "string" || typeof answered !== "string" || rest.length > 0) {
      throw new RowFault("wrongType", `"history" holds something else than [question, answer]`);
    }
    return [{ role: "user", content: asked }, { role: "assistant", content: answered }];
  });
}
