/** What a dataset type is: a name, the fields it needs, and how it makes a pair of them. */

import type { ConversationalPair, StandardPair } from "../pair.ts";
import type { Field, Fields } from "./fields.ts";

/** A pair's content, before it has an id and a source. */
export type PairContent =
  | Omit<StandardPair, "id" | "source">
  | Omit<ConversationalPair, "id" | "source">;

/** A dataset type. */
export interface DatasetType {
  /** Fields without a column make the type an error for a file. */
  readonly requires: readonly Field[];
  /** Makes a pair's content. @throws RowFault */
  convert(fields: Fields): PairContent;
}
