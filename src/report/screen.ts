import type { Diagnostic } from "../diagnostics.ts";
import type { Model } from "../model/model.ts";
import type { MemoryEstimate } from "../runtimes/estimate.ts";
import { factsSection } from "./facts-section.ts";
import { growthSection } from "./growth-section.ts";
import { memorySection } from "./memory-section.ts";
import { notesSection } from "./notes-section.ts";
import { sideBySide } from "./side-by-side.ts";
import type { Style } from "./style.ts";
import { formatInteger } from "./units.ts";
import { verdictSection } from "./verdict-section.ts";
import { contextOf, type Refusal, type RuntimeReport } from "./weigh.ts";
import { weightsSection } from "./weights-section.ts";

/** How the screen looks. */
export type ScreenOptions = {
  readonly style: Style;
  /** Columns to stay within: 80, or down to 62 with shorter bars. */
  readonly columns: number;
  /** Runtimes that do not take the model, beside those that do. */
  readonly refusals?: readonly Refusal[];
};

function beyondTrained(model: Model, reports: readonly RuntimeReport[]): readonly Diagnostic[] {
  const { trainedContext } = model;
  if (trainedContext === null) return [];
  return reports.flatMap(({ estimate }) => {
    const context = contextOf(estimate);
    if (context === null || context <= trainedContext) return [];
    return [
      {
        code: "inconsistent-model",
        message: `the context of ${formatInteger(context)} tokens is longer than the ${formatInteger(trainedContext)} the model was trained for`,
        where: "",
      },
    ];
  });
}

/** Of several runtimes each note says whose it is. */
function named(note: Diagnostic, { runtime }: MemoryEstimate): Diagnostic {
  return { ...note, message: `${runtime}: ${note.message}` };
}

/** Everything one person wants to see of a model and the runtimes it was weighed for: lines without line ends. */
export function screen(
  model: Model,
  reports: readonly RuntimeReport[],
  { style, columns, refusals = [] }: ScreenOptions,
): readonly string[] {
  const isAlone = reports.length + refusals.length <= 1;
  const sections = [
    factsSection(model, style, columns),
    weightsSection(model, style, columns),
    ...(isAlone
      ? reports.flatMap((report) => [
          memorySection(report.estimate, style, columns),
          growthSection(model, report, style, columns),
          verdictSection(model, report, style, columns),
        ])
      : [sideBySide(reports, refusals, style, columns)]),
    notesSection(
      [
        ...model.diagnostics,
        ...reports.flatMap(({ estimate }) =>
          estimate.diagnostics.map((note) => (isAlone ? note : named(note, estimate))),
        ),
        ...beyondTrained(model, reports),
      ],
      style,
      columns,
    ),
  ];
  return sections
    .filter((section) => section.length > 0)
    .flatMap((section, index) => (index === 0 ? section : ["", ...section]));
}
