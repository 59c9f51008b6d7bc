import { printable } from "../bytes/printable.ts";
import type { MemoryEstimate } from "../runtimes/estimate.ts";
import type { MemoryComponent } from "../runtimes/totals.ts";
import { bar, fittingBar } from "./bar.ts";
import { capacityWords } from "./capacity-words.ts";
import type { Style } from "./style.ts";
import { type Cell, indent, renderTable } from "./table.ts";
import { formatBytes, formatInteger, formatPlural } from "./units.ts";
import { VERDICT_WORDS } from "./verdict-section.ts";
import { contextOf, type Refusal, type RuntimeReport, worstVerdict } from "./weigh.ts";
import { wrap } from "./width.ts";

const TITLE = "Side by side";
const PER_TOKEN_TITLE = "Cache of one more token";
const BAR_COLUMNS = 12;
const UNKNOWN = "not known";

type Figures = MemoryEstimate["totals"];

/** Several runtimes in one table each for what they allocate, for what a token costs them, and for what fits. */
export function sideBySide(
  reports: readonly RuntimeReport[],
  refusals: readonly Refusal[],
  style: Style,
  columns: number,
): readonly string[] {
  const sections = [
    [...totalsTable(reports, style), ...refusalLines(refusals, style, columns)],
    perTokenTable(reports, style, columns),
    capacityLines(reports, style, columns),
    verdictTable(reports, style),
    wrap("--runtime with one name shows where each figure comes from.", columns).map(style.dim),
  ];
  return sections
    .filter((section) => section.length > 0)
    .flatMap((section, index) => (index === 0 ? section : ["", ...section]));
}

/** The version is said where it tells two rows apart, and below, where there is room. */
function nameOf({ runtime, runtimeVersion }: MemoryEstimate, estimates: readonly MemoryEstimate[]): string {
  const alike = estimates.filter((other) => other.runtime === runtime).length;
  return alike > 1 ? `${runtime} ${printable(runtimeVersion)}` : runtime;
}

type Columns = readonly { readonly name: string; readonly components: readonly MemoryComponent[] }[];

const SERVING: Columns = (["weights", "cache", "compute", "overhead"] as const).map((component) => ({
  name: component,
  components: [component],
}));

/** Beside training there are more parts than columns. */
const WITH_TRAINING: Columns = [
  { name: "weights", components: ["weights"] },
  { name: "grads, states", components: ["gradients", "optimizer"] },
  { name: "cache", components: ["cache"] },
  { name: "buffers", components: ["compute", "overhead"] },
];

function totalsTable(reports: readonly RuntimeReport[], style: Style): readonly string[] {
  const estimates = reports.map(({ estimate }) => estimate);
  const columns = estimates.some(({ totals }) => totals.gradients !== undefined) ? WITH_TRAINING : SERVING;
  const names = ["", ...columns.map(({ name }) => name), "total"].map((name) => ({ text: name, paint: style.dim }));
  const rows = estimates.map((estimate): readonly Cell[] => [
    nameOf(estimate, estimates),
    ...columns.map(({ components }) => partCell(estimate, components, style)),
    sizeCell(estimate.totals.total, isTotalRange(estimate.totals), style),
  ]);
  const table = renderTable(
    [{ align: "left" }, ...Array.from({ length: names.length - 1 }, () => ({ align: "right" }) as const)],
    [names, ...rows],
  );
  const [first] = estimates;
  return [`${style.bold(TITLE)}${style.dim(workloadWords(first))}`, ...indent(table)];
}

function partCell({ totals, items }: MemoryEstimate, components: readonly MemoryComponent[], style: Style): Cell {
  const parts = components.map((component) => totals[component] ?? (totals[component] === null ? null : 0));
  const bytes = parts.includes(null) ? null : parts.reduce<number>((sum, part) => sum + (part ?? 0), 0);
  const about = items.some((item) => components.includes(item.component) && item.certainty === "estimate");
  return sizeCell(bytes, about, style);
}

function workloadWords(estimate: MemoryEstimate | undefined): string {
  const context = estimate === undefined ? null : contextOf(estimate);
  const sequences = estimate?.workload["sequences"];
  const words = [
    context === null ? [] : `context ${formatInteger(context)}`,
    typeof sequences === "number" ? formatPlural(sequences, "sequence") : [],
  ].flat();
  return words.length === 0 ? "" : `  ${words.join(", ")}`;
}

function isTotalRange({ low, high }: Figures): boolean {
  return high !== null && low !== high;
}

function sizeCell(bytes: number | null, about: boolean, style: Style): Cell {
  if (bytes === null) return { text: UNKNOWN, paint: style.unsure };
  return bytes === 0 ? { text: "-", paint: style.dim } : `${about ? "~" : ""}${formatBytes(bytes)}`;
}

function refusalLines(refusals: readonly Refusal[], style: Style, columns: number): readonly string[] {
  return refusals.flatMap(({ runtime, message }) =>
    indent(wrap(`${runtime}: ${printable(message)}`, columns - 2).map(style.dim)),
  );
}

/** What a token costs each runtime, as a multiple of the least, and what it is that the token is kept as. */
function perTokenTable(reports: readonly RuntimeReport[], style: Style, columns: number): readonly string[] {
  const keeping = reports.map(({ estimate }) => estimate).filter(({ cachePerToken }) => (cachePerToken ?? 0) > 0);
  if (keeping.length === 0) return [];
  const sizes = keeping.map(({ cachePerToken }) => cachePerToken ?? 0);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const barColumns = fittingBar(BAR_COLUMNS, columns);
  const rows = keeping.map(({ runtime, runtimeVersion, cachePerToken, cachePerSequence }): readonly Cell[] => [
    `${runtime} ${printable(runtimeVersion)}`,
    formatBytes(cachePerToken ?? 0),
    `${formatRatio((cachePerToken ?? 0) / least)}x`,
    { text: bar(cachePerToken ?? 0, most, barColumns), paint: style.bar },
    cachePerSequence === null ? "" : { text: `${formatBytes(cachePerSequence)} a sequence`, paint: style.dim },
  ]);
  const [left, right] = [{ align: "left" }, { align: "right" }] as const;
  const table = renderTable([left, right, right, left, right], rows);
  return [
    style.bold(PER_TOKEN_TITLE),
    ...keeping.flatMap((estimate, index) => [
      ...indent([table[index] ?? ""]),
      ...indent(wrap(keptAs(estimate), columns - 4).map(style.dim), 4),
    ]),
  ];
}

function formatRatio(ratio: number): string {
  return ratio < 10 ? ratio.toFixed(2).replace(/\.?0+$/, "") : String(Math.round(ratio));
}

/** The largest part of the cache, in the words of its item, and how many more there are. */
function keptAs({ items }: MemoryEstimate): string {
  const labels = [...new Set(items.filter(({ component }) => component === "cache").map(({ label }) => label))];
  const largest = items
    .filter(({ component }) => component === "cache")
    .reduce((most, item) => (item.bytes > most.bytes ? item : most), { label: "", bytes: -1 });
  const more = labels.length < 2 ? "" : `, and ${formatPlural(labels.length - 1, "smaller part")}`;
  return `${printable(largest.label)}${more}`;
}

function capacityLines(reports: readonly RuntimeReport[], style: Style, columns: number): readonly string[] {
  return reports.flatMap(({ estimate }) => {
    const words = capacityWords(estimate);
    return words === undefined ? [] : wrap(`${estimate.runtime}: ${words}`, columns).map(style.dim);
  });
}

function verdictTable(reports: readonly RuntimeReport[], style: Style): readonly string[] {
  const judged = reports.filter(({ fits }) => fits.length > 0);
  if (judged.length === 0) return [];
  const estimates = reports.map(({ estimate }) => estimate);
  const rows = judged.map(({ estimate, fits, largestContextTokens }): readonly Cell[] => {
    const { short, tone } = VERDICT_WORDS[worstVerdict(fits) ?? "close"];
    const context =
      largestContextTokens === null
        ? "no context is sure to"
        : `up to ${formatInteger(largestContextTokens)} tokens do`;
    return [nameOf(estimate, estimates), { text: short, paint: style[tone] }, { text: context, paint: style.dim }];
  });
  const names = [...new Set(judged.flatMap(({ fits }) => fits.map(({ device }) => printable(device))))];
  return [
    style.bold(`Fits on ${names.join(", ")}?`),
    ...indent(renderTable([{ align: "left" }, { align: "left" }, { align: "left" }], rows)),
  ];
}
