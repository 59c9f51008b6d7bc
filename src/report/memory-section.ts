import { printable } from "../bytes/printable.ts";
import type { Certainty, MemoryEstimate, MemoryItem, MemoryTotals } from "../runtimes/estimate.ts";
import { MEMORY_COMPONENTS } from "../runtimes/totals.ts";
import { alike, namesOf } from "./alike-devices.ts";
import { bar, fittingBar } from "./bar.ts";
import type { Style } from "./style.ts";
import { type Cell, indent, renderTable } from "./table.ts";
import { formatBytes, formatInteger, formatPlural, formatRange } from "./units.ts";
import { contextOf } from "./weigh.ts";
import { wrap } from "./width.ts";

const TITLE = "Memory";
const BAR_COLUMNS = 16;
const LABEL_INDENT = 12;
/** Labels shown per component before the rest is counted. */
const LABELS = 3;
/** Components whose only item says more than the component's name. */
const TELLING: ReadonlySet<MemoryItem["component"]> = new Set(["weights", "cache"]);

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

function certaintyText({ bytes, low, high, certainty }: Figure): string {
  if (bytes === null) return low > 0 ? `at least ${formatBytes(low)}` : "";
  return `${certainty}, ${low === high ? `${formatInteger(bytes)} bytes` : formatRange(low, high)}`;
}

function certaintyCell(figure: Figure, style: Style): Cell {
  const isRange = figure.bytes !== null && figure.low !== figure.high;
  return { text: certaintyText(figure), paint: isRange ? style.unsure : style.dim };
}

function sizeText({ bytes, low, high }: Figure): string {
  return bytes === null ? "not known" : `${low === high ? "" : "~"}${formatBytes(bytes)}`;
}

function figureRow(name: string, figure: Figure, whole: number, style: Style, columns: number): readonly Cell[] {
  const size = sizeText(figure).padStart(12);
  const barColumns = fittingBar(BAR_COLUMNS, columns);
  const picture = { text: bar(figure.bytes ?? 0, whole, barColumns).padEnd(barColumns), paint: style.bar };
  return [
    name.padEnd(8),
    figure.bytes === null ? { text: size, paint: style.unsure } : size,
    ...(barColumns === 0 ? [] : [picture]),
    certaintyCell(figure, style),
  ];
}

/** What the items of one component are, largest first; their sizes only where there are several. Short ones share a line. */
function labelLines(items: readonly MemoryItem[], style: Style, columns: number): readonly string[] {
  if (items.length === 1 && items.every((item) => !TELLING.has(item.component))) return [];
  const named = items.filter((item) => item.label !== item.component).sort((left, right) => right.bytes - left.bytes);
  const sizes = named.slice(0, LABELS).map((item) => (items.length === 1 ? "" : `${formatBytes(item.bytes)}  `));
  const all = sizes.map((size, index) => `${size}${named[index]?.label ?? ""}`).join(", ");
  const together = wrap(printable(all), columns - LABEL_INDENT);
  const isTold = named.length > LABELS || items.some((item) => TELLING.has(item.component));
  if (together.length === 1 && !isTold) return indent(together.map(style.dim), LABEL_INDENT);
  const sizeColumns = Math.max(0, ...sizes.map((size) => size.length));
  const lines = sizes.flatMap((size, index) =>
    wrap(printable(named[index]?.label ?? ""), columns - LABEL_INDENT - sizeColumns).map(
      (line, row) => (row === 0 ? size : "").padStart(sizeColumns) + line,
    ),
  );
  if (named.length > LABELS) lines.push(`and ${formatPlural(named.length - LABELS, "smaller one")}`);
  return indent(lines.map(style.dim), LABEL_INDENT);
}

function totalFigure(totals: MemoryTotals, items: readonly MemoryItem[]): Figure {
  const figure = figureOf(totals.total, items);
  return { ...figure, low: totals.low, high: totals.high ?? figure.high };
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
    const bytes = totals[component] === undefined ? 0 : totals[component];
    if (own.length === 0 && bytes === 0) return [];
    return [{ row: figureRow(component, figureOf(bytes, own), whole, style, columns), own }];
  });
  const total = figureRow("total", totalFigure(totals, items), 0, style, columns);
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
  const training = ["method", "precision", "optimizer"].flatMap((option) => word(option) ?? []);
  const dtype = word("dtype");
  const cache = word("cache");
  return [
    keys === undefined ? [] : cacheType,
    dtype === undefined ? [] : dtype === "auto" ? "dtype as stored" : dtype,
    cache === undefined ? [] : `${cache} cache`,
    preset === undefined ? [] : `${preset} preset`,
    training,
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

/** The figures of a device nobody asked about, beside the one that was: two lines, by how sure they are. */
function hostLines(
  name: string,
  totals: MemoryTotals,
  items: readonly MemoryItem[],
  style: Style,
  columns: number,
): readonly string[] {
  const known = CERTAINTIES.flatMap((certainty) => {
    const parts = MEMORY_COMPONENTS.flatMap((component) => {
      const own = items.filter((item) => item.component === component && item.certainty === certainty);
      const bytes = own.reduce((sum, item) => sum + item.bytes, 0);
      return own.length === 0 ? [] : [`${component} ${sizeText(figureOf(bytes, own))}`];
    });
    return parts.length === 0 ? [] : [`${certainty}: ${parts.join(", ")}`];
  });
  const unknown = MEMORY_COMPONENTS.filter((component) => totals[component] === null);
  const words = [...known, ...(unknown.length === 0 ? [] : [`not known: ${unknown.join(", ")}`])].join("; ");
  const total = totalFigure(totals, items);
  const text = certaintyText(total);
  return [
    `${style.bold(`on ${printable(name)}  ${sizeText(total)}`)}${text === "" ? "" : style.dim(`  ${text}`)}`,
    ...indent(wrap(words, columns - 2).map(style.dim)),
  ];
}

/** Names of the devices the workload asks about. */
function askedDevices({ workload }: MemoryEstimate): ReadonlySet<unknown> {
  const devices: unknown = workload["devices"];
  return new Set(Array.isArray(devices) ? devices.map((device: { readonly name?: unknown }) => device.name) : []);
}

/** What of an item is shown as a figure: labels may name the rank. */
function sizeOf({ component, bytes, low, high, certainty }: MemoryItem): unknown {
  return [component, bytes, low, high, certainty];
}

/** What one runtime allocates, per device: each component with its bar and how sure it is. */
export function memorySection(estimate: MemoryEstimate, style: Style, columns: number): readonly string[] {
  const used = estimate.devices.filter(
    (device) => estimate.devices.length === 1 || device.low > 0 || device.total === null,
  );
  const asked = askedDevices(estimate);
  const itemsOf = (name: string): readonly MemoryItem[] => estimate.items.filter((item) => item.device === name);
  const devices = alike(used, ({ name }) => JSON.stringify(itemsOf(name).map(sizeOf))).flatMap(
    ([device, ...others]) => {
      if (device === undefined) return [];
      const items = itemsOf(device.name);
      if (used.length === 1) return deviceLines(device, items, style, columns);
      if (asked.size > 0 && !asked.has(device.name)) return hostLines(device.name, device, items, style, columns);
      const name = others.length === 0 ? `on ${device.name}` : `on each of ${namesOf([device, ...others])}`;
      return [style.bold(printable(name)), ...deviceLines(device, items, style, columns)];
    },
  );
  return [...headline(estimate, style, columns), ...devices];
}
