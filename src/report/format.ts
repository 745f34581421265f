/** Numbers, times and stray characters as people read them on the page. English, no locale. */

/** A figure in about four digits: 0.0312, 1.234, 12.3, 1,234; "–" where there is none. */
export function formatFigure(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e7)) {
    return value.toExponential(2).replaceAll("-", "−");
  }
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
  return groupThousands(value.toFixed(digits));
}

/** A whole number with commas: 12,345. */
export function formatCount(value: number): string {
  return groupThousands(String(Math.round(value)));
}

/** A share as a percentage: "97.5 %" to one digit, no digit where it is whole. */
export function formatShare(share: number | undefined): string {
  if (share === undefined || !Number.isFinite(share)) return "–";
  const percent = (share * 100).toFixed(1).replace(/\.0$/, "");
  return `${percent.replace("-", "−")}%`;
}

/** A stretch of time: "840 ms", "12.3 s", "4 min 5 s", "2 h 3 min". */
export function formatElapsed(elapsedMs: number): string {
  if (elapsedMs < 1000) return `${Math.round(elapsedMs)} ms`;
  if (elapsedMs < 60_000) return `${(elapsedMs / 1000).toFixed(1)} s`;
  const minutes = Math.floor(elapsedMs / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((elapsedMs % 60_000) / 1000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A size in bytes: "512 B", "1.5 MiB". */
export function formatBytes(sizeBytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let size = sizeBytes;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/**
 * Text with its control characters made visible (U+2400 and on), so that what an untrained model
 * writes neither vanishes nor breaks the page; line breaks and tabs stay.
 */
export function visibleText(text: string): string {
  return text
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x08\x0b-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/\x7f/g, "\u2421")
    .replace(/[\u0080-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

function groupThousands(digits: string): string {
  return digits.replace("-", "−").replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",");
}
