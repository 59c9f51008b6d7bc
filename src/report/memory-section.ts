import { printable } from "../bytes/printable.ts";
import type { Certainty, MemoryEstimate, MemoryItem, MemoryTotals } from "../runtimes/estimate.ts";
import { bar } from "./bar.ts";
import type { Style } from "./style.ts";
import { type Cell, indent, renderTable } from "./table.ts";
import { formatBytes, formatInteger, formatPlural, formatRange } from "./units.ts";
import { contextOf } from "./weigh.ts";
import { wrap } from "./width.ts";

const TITLE = "Memory";
const BAR_COLUMNS = 20;
const LABEL_INDENT = 12;
/** Labels shown per component before the rest is counted. */
const LABELS = 3;

export const MEMORY_COMPONENTS = ["weights", "cache", "compute", "overhead"] as const;
const CERTAINTIES: readonly Certainty[] = ["exact", "derived", "estimate"];

/** A figure with its bounds; null where it is not known. */
type Figure = {
  readonly bytes: number | null;
  readonly low: number;
  readonly high: number;
  readonly certainty: Certainty;
};

function leastCertain(items: readonly MemoryItem[]): Certainty {
  const worst = Math.max(0, ...items.map((item) => CERTAINTIES.indexOf(item.certainty)));
  return CERTAINTIES[worst] ?? "estimate";
}

function figureOf(bytes: number | null, items: readonly MemoryItem[]): Figure {
  const sum = (bound: "low" | "high"): number => items.reduce((total, item) => total + (item[bound] ?? item.bytes), 0);
  return { bytes, low: sum("low"), high: sum("high"), certainty: leastCertain(items) };
}

function certaintyCell({ bytes, low, high, certainty }: Figure, style: Style): Cell {
  if (bytes === null) return { text: low > 0 ? `at least ${formatBytes(low)}` : "", paint: style.dim };
  if (low !== high) return { text: `${certainty}, ${formatRange(low, high)}`, paint: style.unsure };
  return { text: `${certainty}, ${formatInteger(bytes)} bytes`, paint: style.dim };
}

function figureRow(name: string, figure: Figure, whole: number, style: Style): readonly Cell[] {
  const { bytes, low, high } = figure;
  const size = bytes === null ? "not known" : `${low === high ? "" : "~"}${formatBytes(bytes)}`;
  return [
    name.padEnd(8),
    bytes === null ? { text: size.padStart(12), paint: style.unsure } : size.padStart(12),
    { text: bar(bytes ?? 0, whole, BAR_COLUMNS).padEnd(BAR_COLUMNS), paint: style.bar },
    certaintyCell(figure, style),
  ];
}

/** What the items of one component are, largest first; their sizes only where there are several. */
function labelLines(items: readonly MemoryItem[], style: Style, columns: number): readonly string[] {
  const named = items.filter((item) => item.label !== item.component).sort((left, right) => right.bytes - left.bytes);
  const sizes = named.slice(0, LABELS).map((item) => (items.length === 1 ? "" : `${formatBytes(item.bytes)}  `));
  const sizeColumns = Math.max(0, ...sizes.map((size) => size.length));
  const lines = sizes.flatMap((size, index) =>
    wrap(printable(named[index]?.label ?? ""), columns - LABEL_INDENT - sizeColumns).map(
      (line, row) => (row === 0 ? size : "").padStart(sizeColumns) + line,
    ),
  );
  if (named.length > LABELS) lines.push(`and ${formatPlural(named.length - LABELS, "smaller one")}`);
  return indent(lines.map(style.dim), LABEL_INDENT);
}

const TABLE = [{ align: "left" }, { align: "right" }, { align: "left" }, { align: "left" }] as const;

function deviceLines(
  totals: MemoryTotals,
  items: readonly MemoryItem[],
  style: Style,
  columns: number,
): readonly string[] {
  const whole = items.reduce((sum, item) => sum + item.bytes, 0);
  const rows = MEMORY_COMPONENTS.flatMap((component) => {
    const own = items.filter((item) => item.component === component);
    if (own.length === 0 && totals[component] === 0) return [];
    return [{ row: figureRow(component, figureOf(totals[component], own), whole, style), own }];
  });
  const total = figureRow("total", { ...figureOf(totals.total, items), low: totals.low }, 0, style);
  const table = indent(renderTable(TABLE, [...rows.map(({ row }) => row), total]));
  return [
    ...rows.flatMap(({ own }, index) => [table[index] ?? "", ...labelLines(own, style, columns)]),
    style.bold(table[rows.length] ?? ""),
  ];
}

/** Options of the workload that change the figures most, in words. */
function settingWords({ workload }: MemoryEstimate): readonly string[] {
  const word = (option: string): string | undefined => {
    const value = workload[option];
    return typeof value === "string" ? printable(value) : undefined;
  };
  const [keys, values] = [word("cacheTypeK"), word("cacheTypeV")];
  const cacheType = keys === values ? `${keys} cache` : `${keys} keys, ${values} values`;
  const preset = word("preset");
  const dtype = word("dtype");
  const cache = word("cache");
  return [
    keys === undefined ? [] : cacheType,
    dtype === undefined ? [] : dtype === "auto" ? "dtype as stored" : dtype,
    cache === undefined ? [] : `${cache} cache`,
    preset === undefined ? [] : `${preset} preset`,
  ].flat();
}

/** The runtime, its version and the workload. */
function headline(estimate: MemoryEstimate, style: Style, columns: number): readonly string[] {
  const context = contextOf(estimate);
  const sequences = estimate.workload["sequences"];
  const words = [
    `${estimate.runtime} ${estimate.runtimeVersion}`,
    ...(context === null ? [] : [`context ${formatInteger(context)}`]),
    ...(typeof sequences === "number" ? [formatPlural(sequences, "sequence")] : []),
    ...settingWords(estimate),
  ];
  const [first = "", ...more] = wrap(words.join(", "), columns - TITLE.length - 2);
  return [`${style.bold(TITLE)}  ${style.dim(first)}`, ...indent(more.map(style.dim), TITLE.length + 2)];
}

/** What one runtime allocates, per device: each component with its bar and how sure it is. */
export function memorySection(estimate: MemoryEstimate, style: Style, columns: number): readonly string[] {
  const used = estimate.devices.filter(
    (device) => estimate.devices.length === 1 || device.low > 0 || device.total === null,
  );
  const devices = used.flatMap((device) => {
    const items = estimate.items.filter((item) => item.device === device.name);
    const lines = deviceLines(device, items, style, columns);
    return used.length === 1 ? lines : ["", `${style.bold(`on ${printable(device.name)}`)}`, ...lines];
  });
  return [...headline(estimate, style, columns), ...devices];
}
