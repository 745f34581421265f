/** What a pair must be for ORPO to learn from it, whatever data set it came from. */

import type { Message } from "./pair.ts";
import { RowFault } from "./row_fault.ts";
import type { PairContent } from "./types/dataset_type.ts";

/**
 * Checks a pair's content. Answers that differ in white space at their ends alone count as the
 * same. A prompt may be empty only where it is implicit in texts.
 *
 * @throws RowFault emptyAnswer, identicalAnswers, emptyPrompt, promptNotUser, answerNotAssistant.
 */
export function checkContent(content: PairContent): void {
  if (content.form === "standard") {
    checkAnswers(content.chosen.trim(), content.rejected.trim());
    return;
  }
  const last = content.prompt.at(-1);
  if (last === undefined) throw new RowFault("emptyPrompt");
  if (last.role !== "user" && last.role !== "tool") throw new RowFault("promptNotUser");
  if (last.content.trim() === "") throw new RowFault("emptyPrompt");
  for (const answer of [content.chosen, content.rejected]) {
    if (answer.length === 0 || isEmpty(answer.at(-1)!)) {
      throw new RowFault("emptyAnswer");
    }
    if (answer[0]!.role !== "assistant" || answer.at(-1)!.role !== "assistant") {
      throw new RowFault("answerNotAssistant");
    }
  }
  checkAnswers(turnsText(content.chosen), turnsText(content.rejected));
}

function checkAnswers(chosen: string, rejected: string): void {
  if (chosen === "" || rejected === "") throw new RowFault("emptyAnswer");
  if (chosen === rejected) throw new RowFault("identicalAnswers");
}

function turnsText(turns: readonly Message[]): string {
  const [only, ...others] = turns;
  const calls = turns.some((turn) => turn.tool_calls !== undefined);
  if (others.length === 0 && !calls) return only!.content.trim();
  return JSON.stringify(
    turns.map(({ role, content, tool_calls }) => [role, content.trim(), tool_calls]),
  );
}

function isEmpty(turn: Message): boolean {
  return turn.content.trim() === "" && turn.tool_calls === undefined;
}
