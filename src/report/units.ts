const BYTE_UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const COUNT_UNITS = [" K", " M", " B", " T"] as const;

/** Bytes for people, in binary units: `512 B`, `1.50 KiB`, `15.26 GiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes / 1024;
  let unit = 0;
  // Compared as printed, so that 1023.999 MiB is not shown as 1024.00 MiB.
  while (Number(value.toFixed(2)) >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(2)} ${BYTE_UNITS[unit]}`;
}

/** Two sizes as a range, the unit said once where it is the same: `400.00 to 614.00 MiB`. */
export function formatRange(low: number, high: number): string {
  const [from, to] = [formatBytes(low), formatBytes(high)];
  const [value, unit] = from.split(" ");
  return to.endsWith(` ${unit}`) ? `${value} to ${to}` : `${from} to ${to}`;
}

/** A count for people, three digits: `512`, `8.19 B`, `671 B`. */
export function formatCount(count: number): string {
  if (count < 1000) return String(count);
  let value = count / 1000;
  let unit = 0;
  while (Number(value.toPrecision(3)) >= 1000 && unit < COUNT_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(3)) >= 1000 ? Math.round(value) : value.toPrecision(3)}${COUNT_UNITS[unit]}`;
}

/** An integer with its thousands apart: `151,936`. */
export function formatInteger(value: number): string {
  return value.toLocaleString("en-US");
}

/** Tokens for people, k = 1024: `4k`, `40k`; numbers that are no such round ones in full: `128,000` is not `125k`. */
export function formatTokens(tokens: number): string {
  return tokens >= 4096 && tokens % 4096 === 0 ? `${formatInteger(tokens / 1024)}k` : formatInteger(tokens);
}

/** A share of a whole: `12.3 %`; `<0.1 %` for what would round to nothing. */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0) return "";
  const percent = (100 * part) / whole;
  if (part > 0 && percent < 0.05) return "<0.1 %";
  if (part < whole && percent >= 99.95) return ">99.9 %";
  return `${percent.toFixed(1)} %`;
}

/** `1 file`, `5 files`. */
export function formatPlural(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${formatInteger(count)} ${count === 1 ? noun : plural}`;
}
