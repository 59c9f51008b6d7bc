const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

/** Columns the tables are made for. */
const TABLE_COLUMNS = 80;

/** Columns a bar of `wanted` may take: on a narrower terminal the bar gives way, not the figures. */
export function fittingBar(wanted: number, columns: number): number {
  return Math.max(0, wanted - Math.max(0, TABLE_COLUMNS - columns));
}

/** A bar `columns` wide for a whole, in eighths of a column. Anything above nothing shows at least a sliver. */
export function bar(part: number, whole: number, columns: number): string {
  if (!(part > 0) || !(whole > 0) || columns === 0) return "";
  const eighths = Math.max(1, Math.round((8 * columns * Math.min(part, whole)) / whole));
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}

/**
 * Parts of a whole, side by side in `columns`, each with its own glyph, the rest filled with `rest`. Edges are
 * rounded where they fall, so that the parts never add up to more than the whole.
 */
export function stackedBar(
  parts: readonly { readonly size: number; readonly glyph: string }[],
  whole: number,
  columns: number,
  rest: string,
): string {
  let text = "";
  let sum = 0;
  let drawn = 0;
  for (const { size, glyph } of parts) {
    sum += size;
    const edge = Math.min(columns, Math.round((columns * sum) / whole));
    text += glyph.repeat(edge - drawn);
    drawn = edge;
  }
  return text + rest.repeat(columns - drawn);
}
