/** Why a row makes no pair. Thrown and caught inside the data layer; never seen by its callers. */

/** The reasons a row can be dropped for; keys of the statistics. */
export const ROW_FAULTS = {
  wrongType: "a value of the wrong type",
  missingValue: "a value is missing",
  emptyAnswer: "an empty answer",
  identicalAnswers: "chosen and rejected are the same",
  emptyPrompt: "an empty prompt",
  unknownRole: "a turn with an unknown role",
  notText: "a turn that is not text",
  promptsDiffer: "chosen and rejected answer different prompts",
  promptNotUser: "the prompt does not end with a user (or tool) turn",
  answerNotAssistant: "an answer does not begin and end with an assistant turn",
} as const;

/** A reason a row is bad for. */
export type RowFaultReason = keyof typeof ROW_FAULTS;

/** Thrown where a row turns out bad. */
export class RowFault extends Error {
  /** What the row is counted under. */
  readonly reason: RowFaultReason;

  /**
   * Says why a row is bad.
   *
   * @param detail What exactly, naming columns but not quoting text; default: the reason's words.
   */
  constructor(reason: RowFaultReason, detail: string = ROW_FAULTS[reason]) {
    super(detail);
    this.reason = reason;
  }
}
