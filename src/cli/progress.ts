import { formatBytes, formatInteger } from "../report/units.ts";
import type { Progress } from "../source/resolved.ts";

/** One line that is drawn over itself while reading goes on. */
export type ProgressLine = {
  update(progress: Progress): void;
  /** Removes the line, so that what follows starts clean. */
  clear(): void;
};

/** A local file is read before this has passed: nothing flickers. */
const FIRST_DRAW_MS = 150;
const REDRAW_MS = 80;
const CLEAR_LINE = "\r\u001b[K";

/** Draws with `write`, which must be a terminal; `now` is a clock in milliseconds. */
export function progressLine(write: (text: string) => void, now: () => number): ProgressLine {
  let drawn = false;
  let due = now() + FIRST_DRAW_MS;
  return {
    update({ files, filesRead, bytesRead }) {
      if (now() < due) return;
      due = now() + REDRAW_MS;
      drawn = true;
      const of = files > 1 ? `, ${formatInteger(filesRead)} of ${formatInteger(files)} files` : "";
      write(`${CLEAR_LINE}reading headers${of}, ${formatBytes(bytesRead)}`);
    },
    clear() {
      if (drawn) write(CLEAR_LINE);
      drawn = false;
    },
  };
}
