/** All filters by name. */

import { Arguments } from "./arguments.ts";
import { LIST_FILTERS, map, select } from "./list_filters.ts";
import { runTest } from "./tests.ts";
import { formatFilter, TEXT_FILTERS } from "./text_filters.ts";
import { JinjaError, type Keywords, type Value } from "./values.ts";

const FILTERS = { ...TEXT_FILTERS, ...LIST_FILTERS };

/** How the parser's tokens spell a test with arguments; see parse.ts. */
export const TEST_FILTER = { is: "is ", isNot: "is not " } as const;

/**
 * Applies a filter.
 *
 * @throws JinjaError for an unknown filter, or values it does not take.
 */
export function applyFilter(
  name: string,
  value: Value,
  args: readonly Value[],
  keywords: Keywords,
): Value {
  switch (name) {
    case "map":
      return map(value, args, keywords, applyFilter);
    case "select":
    case "reject":
    case "selectattr":
    case "rejectattr":
      return select(name, value, args);
    case "format":
      return formatFilter(value, args, keywords);
  }
  if (name.startsWith(TEST_FILTER.isNot)) {
    return !runTest(name.slice(TEST_FILTER.isNot.length), value, args);
  }
  if (name.startsWith(TEST_FILTER.is)) {
    return runTest(name.slice(TEST_FILTER.is.length), value, args);
  }
  if (!Object.hasOwn(FILTERS, name)) throw new JinjaError(`No filter named '${name}'`);
  const [parameters, run] = FILTERS[name]!;
  return run(value, new Arguments(name, parameters, args, keywords));
}
