/** Quantities as people read them: counts, rates, durations. */

/** A count with separators, e.g. 12,345. */
export function formatCount(value: number): string {
  return (Number.isInteger(value) ? value : Number(value.toFixed(1))).toLocaleString("en-US");
}

/** A rate with three significant digits, e.g. "8.21 steps/s", or "12.3 s/step" below one in ten seconds. */
export function formatRate(perSecond: number, unit: string): string {
  if (perSecond < 0.1) return `${significant(1 / perSecond)} s/${unit.replace(/s$/, "")}`;
  return `${significant(perSecond)} ${unit}/s`;
}

/** A duration in its two largest units, e.g. "1h 05m", "2m 07s", "3.4s", "12ms". */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  const pad = (value: number) => String(value).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)}d ${pad(hours % 24)}h`;
}

function significant(value: number): string {
  return value >= 1000 ? formatCount(Math.round(value)) : String(Number(value.toPrecision(3)));
}
