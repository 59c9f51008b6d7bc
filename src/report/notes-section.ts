import { printable } from "../bytes/printable.ts";
import type { Diagnostic } from "../diagnostics.ts";
import type { Style } from "./style.ts";
import { formatPlural } from "./units.ts";
import { wrap } from "./width.ts";

/** Notes shown before the rest is counted: a damaged set can have one per tensor. */
const NOTES = 8;
const HEAD = "note: ";

function noteText({ message, where }: Diagnostic): string {
  return printable(where === "" || message.includes(where) ? message : `${message} (${where})`);
}

/** Problems that did not stop reading, one `note:` each. */
export function notesSection(diagnostics: readonly Diagnostic[], style: Style, columns: number): readonly string[] {
  const texts = [...new Set(diagnostics.map(noteText))];
  const shown = texts.slice(0, NOTES);
  const rest = texts.length - shown.length;
  if (rest > 0) shown.push(`${formatPlural(rest, "more note")} in the JSON output`);
  return shown.flatMap((text) =>
    wrap(text, columns - HEAD.length).map(
      (line, index) => (index === 0 ? style.unsure(HEAD) : " ".repeat(HEAD.length)) + line,
    ),
  );
}
