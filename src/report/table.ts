import type { Paint } from "./style.ts";
import { displayWidth } from "./width.ts";

/** Text of one cell; `paint` is applied after the widths are known. */
export type Cell = string | { readonly text: string; readonly paint: Paint };

export type Column = {
  readonly align: "left" | "right";
  /** Cells wider than this run over instead of widening the column. */
  readonly maxWidth?: number;
};

const GAP = "  ";

function cellText(cell: Cell | undefined): string {
  if (cell === undefined) return "";
  return typeof cell === "string" ? cell : cell.text;
}

/** Rows as aligned lines, without trailing blanks. Cell text must already be printable. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): readonly string[] {
  const widths = columns.map(({ maxWidth = Number.POSITIVE_INFINITY }, index) =>
    rows.reduce((widest, row) => Math.max(widest, Math.min(maxWidth, displayWidth(cellText(row[index])))), 0),
  );
  return rows.map((row) => {
    const cells = columns.map(({ align }, index) => {
      const cell = row[index];
      const text = cellText(cell);
      const padding = " ".repeat(Math.max(0, (widths[index] ?? 0) - displayWidth(text)));
      const painted = typeof cell === "object" && text !== "" ? cell.paint(text) : text;
      return align === "left" ? painted + padding : padding + painted;
    });
    return cells.join(GAP).trimEnd();
  });
}

/** `lines`, each moved right. */
export function indent(lines: readonly string[], columns: number = 2): readonly string[] {
  return lines.map((line) => (line === "" ? line : " ".repeat(columns) + line));
}
