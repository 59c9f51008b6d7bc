import { printable } from "../bytes/printable.ts";
import type { Model } from "../model/model.ts";
import { bar, fittingBar } from "./bar.ts";
import type { Style } from "./style.ts";
import { type Cell, indent, renderTable } from "./table.ts";
import { formatBytes, formatInteger, formatShare } from "./units.ts";
import { truncate, wrap } from "./width.ts";

const BAR_COLUMNS = 24;
const NAME_COLUMNS = 14;
/** Components below this share are summed up when there are several: one screen. */
const SMALL_SHARE = 0.01;
/** Dtypes named before the rest is counted. */
const DTYPES = 5;

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

type Part = { readonly name: string; readonly bytes: number };

/** What there is, largest first. */
function present(parts: readonly Part[]): readonly Part[] {
  return parts.filter((part) => part.bytes > 0).sort((left, right) => right.bytes - left.bytes);
}

/** Small parts as one, unless it is only one. */
function folded(parts: readonly Part[], whole: number): readonly Part[] {
  const small = parts.filter((part) => part.bytes < SMALL_SHARE * whole);
  if (small.length < 2) return parts;
  const names = small.map((part) => part.name).join(", ");
  const name = names.length <= NAME_COLUMNS ? names : `${small.length} smaller`;
  const bytes = small.reduce((sum, part) => sum + part.bytes, 0);
  return [...parts.slice(0, parts.length - small.length), { name, bytes }];
}

/** `Q4_K 3.00 GiB (75.0 %), F32 1.00 MiB (<0.1 %)`. */
function dtypeWords({ bytes, byDtype }: Model["weights"]): string {
  const parts = present(
    Object.entries(byDtype).map(([name, entry]) => ({ name: printable(name), bytes: entry.bytes })),
  );
  const words = parts
    .slice(0, DTYPES)
    .map(
      (part) => `${truncate(part.name, NAME_COLUMNS)} ${formatBytes(part.bytes)} (${formatShare(part.bytes, bytes)})`,
    );
  const more = parts.length - words.length;
  return [...words, ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

const TABLE = [{ align: "left" }, { align: "right" }, { align: "right" }, { align: "left" }] as const;

/** What the stored weights take: in all, by dtype and by component. */
export function weightsSection(model: Model, style: Style, columns: number): readonly string[] {
  const { bytes, byComponent } = model.weights;
  const components = present(
    Object.entries(COMPONENT_WORDS).map(([component, name]) => ({
      name,
      bytes: byComponent[component as keyof typeof byComponent],
    })),
  );
  const barColumns = fittingBar(BAR_COLUMNS, columns);
  const rows = folded(components, bytes).map((part): readonly Cell[] => [
    part.name.padEnd(NAME_COLUMNS),
    formatBytes(part.bytes).padStart(11),
    formatShare(part.bytes, bytes).padStart(7),
    { text: bar(part.bytes, bytes, barColumns), paint: style.bar },
  ]);
  const perWeight =
    model.parameters.total > 0 ? `, ${((8 * bytes) / model.parameters.total).toFixed(2)} bits per weight` : "";
  return [
    `${style.bold(`Weights  ${formatBytes(bytes)}`)}${style.dim(`  ${formatInteger(bytes)} bytes${perWeight}`)}`,
    ...indent(wrap(dtypeWords(model.weights), columns - 2)),
    ...indent(renderTable(TABLE, rows)),
  ];
}
