/** Text tables: columns padded to their widest cell, numbers to the right. */

/** Lays out rows under a heading; a row shorter than the heading is filled with blanks. */
export function formatTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const all = [heading, ...rows];
  const widths = heading.map((_, column) =>
    Math.max(...all.map((row) => textWidth(row[column] ?? "")))
  );
  const isNumeric = heading.map((_, column) =>
    rows.length > 0 && rows.every((row) => /^[-+]?[\d.,]*(e[-+]?\d+)?%?$/i.test(row[column] ?? ""))
  );
  const line = (row: readonly string[]) =>
    widths.map((width, column) => {
      const cell = row[column] ?? "";
      const gap = " ".repeat(width - textWidth(cell));
      return isNumeric[column] ? gap + cell : cell + gap;
    }).join("  ").trimEnd();
  return [line(heading), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)]
    .join("\n") + "\n";
}

/** Columns a text takes on a terminal: 2 for wide East Asian characters, 0 for combining marks. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{Mark}|\p{Cf}/u.test(character)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
          .test(character)
        ? 2
        : 1;
  }
  return width;
}

/** Cuts a text to a width, with an ellipsis where something is cut. */
export function fitText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let fitted = "";
  for (const character of text) {
    if (textWidth(fitted + character) > width - 1) break;
    fitted += character;
  }
  return width < 1 ? "" : fitted + "…";
}

/** Writes a figure with at most five significant digits, integers whole. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1e6 || size < 1e-3 ? value.toExponential(3) : String(Number(value.toPrecision(5)));
}
