import { printable } from "../bytes/printable.ts";
import type { Model } from "../model/model.ts";
import { bar } from "./bar.ts";
import type { Style } from "./style.ts";
import { type Cell, indent, renderTable } from "./table.ts";
import { formatBytes, formatInteger, formatPlural, formatShare } from "./units.ts";
import { truncate } from "./width.ts";

const BAR_COLUMNS = 24;
const NAME_COLUMNS = 14;
/** Kinds shown before the rest is summed up: one screen. */
const ROWS = 8;

const COMPONENT_WORDS: { readonly [component in keyof Model["weights"]["byComponent"]]: string } = {
  embedding: "embedding",
  attention: "attention",
  recurrent: "recurrent",
  feedForward: "feed-forward",
  experts: "experts",
  norm: "norm",
  output: "output",
  vision: "vision",
  mtp: "mtp",
  other: "other",
};

type Part = { readonly name: string; readonly bytes: number; readonly note: string };

function rowsOf(parts: readonly Part[], whole: number, style: Style): readonly (readonly Cell[])[] {
  const present = parts.filter((part) => part.bytes > 0).sort((left, right) => right.bytes - left.bytes);
  const rest = present.slice(ROWS - 1);
  const shown: readonly Part[] =
    present.length > ROWS
      ? [
          ...present.slice(0, ROWS - 1),
          { name: `${rest.length} more`, bytes: rest.reduce((sum, part) => sum + part.bytes, 0), note: "" },
        ]
      : present;
  return shown.map(({ name, bytes, note }) => [
    truncate(name, NAME_COLUMNS).padEnd(NAME_COLUMNS),
    formatBytes(bytes).padStart(11),
    formatShare(bytes, whole).padStart(7),
    { text: bar(bytes, whole, BAR_COLUMNS).padEnd(BAR_COLUMNS), paint: style.bar },
    { text: note, paint: style.dim },
  ]);
}

const TABLE = [
  { align: "left" },
  { align: "right" },
  { align: "right" },
  { align: "left" },
  { align: "left" },
] as const;

/** What the stored weights take: in all, by dtype and by component. */
export function weightsSection(model: Model, style: Style): readonly string[] {
  const { bytes, byDtype, byComponent } = model.weights;
  const dtypes = Object.entries(byDtype).map(([dtype, entry]) => ({
    name: printable(dtype),
    bytes: entry.bytes,
    note: formatPlural(entry.tensors, "tensor"),
  }));
  const components = Object.entries(COMPONENT_WORDS).map(([component, name]) => ({
    name,
    bytes: byComponent[component as keyof typeof byComponent],
    note: "",
  }));
  const perWeight =
    model.parameters.total > 0 ? `, ${((8 * bytes) / model.parameters.total).toFixed(2)} bits per weight` : "";
  return [
    `${style.bold(`Weights  ${formatBytes(bytes)}`)}${style.dim(`  ${formatInteger(bytes)} bytes${perWeight}`)}`,
    ...indent(renderTable(TABLE, rowsOf(dtypes, bytes, style))),
    "",
    ...indent(renderTable(TABLE, rowsOf(components, bytes, style))),
  ];
}
