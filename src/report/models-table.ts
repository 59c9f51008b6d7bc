import { printable } from "../bytes/printable.ts";
import type { Model } from "../model/model.ts";
import type { MemoryTotals } from "../runtimes/estimate.ts";
import { ggufTag } from "../source/gguf-tag.ts";
import type { ModelEntry } from "./models-json.ts";
import type { Style } from "./style.ts";
import { type Cell, indent, renderTable } from "./table.ts";
import { formatBytes, formatInteger, formatPlural } from "./units.ts";
import { VERDICT_WORDS } from "./verdict-section.ts";
import { contextOf, type RuntimeReport, worstVerdict } from "./weigh.ts";
import { displayWidth, truncate, wrap } from "./width.ts";

const UNKNOWN = "not known";
const COLUMNS = ["", "files", "bits", "weights", "cache", "total", "fits"] as const;
/** Names get what the figures leave. */
const LEAST_NAME_COLUMNS = 10;

type Read = Extract<ModelEntry, { readonly model: Model }>;
type Row = { readonly name: string; readonly cells: readonly Cell[] };

/**
 * Several models, a row each: the bytes of the files, the bits of a weight, and what a runtime takes for it. Alternatives
 * (`--all`) go by their quantization, the smallest first.
 */
export function modelsTable(
  entries: readonly ModelEntry[],
  alternatives: boolean,
  style: Style,
  columns: number,
): readonly string[] {
  const read = entries.filter((entry): entry is Read => entry.model !== undefined);
  const ordered = alternatives ? read.toSorted((a, b) => fileBytes(a.model) - fileBytes(b.model)) : read;
  const reports = ordered.flatMap((entry) => entry.reports);
  const judged = reports.some(({ fits }) => fits.length > 0);
  const names = alternatives ? shortNames(ordered) : ordered.map(({ source }) => source);
  const severalRuntimes = new Set(reports.map(({ estimate }) => estimate.runtime)).size > 1;
  const rows = ordered.flatMap((entry, index) =>
    entry.reports.map((report): Row => {
      const runtime = severalRuntimes ? ` ${report.estimate.runtime}` : "";
      return { name: `${printable(names[index] ?? "")}${runtime}`, cells: cellsOf(entry.model, report, judged, style) };
    }),
  );
  const failed = entries.length - read.length;
  return [
    ...wrap(title(ordered, failed, reports), columns).map(style.bold),
    ...(rows.length === 0 ? [] : ["", ...indent(tableLines(rows, judged, style, columns - 2))]),
    ...(judged ? ["", ...deviceLines(reports, columns).map(style.dim)] : []),
  ];
}

function title(read: readonly Read[], failed: number, reports: readonly RuntimeReport[]): string {
  const [first] = reports;
  const context = first === undefined ? null : contextOf(first.estimate);
  const same = reports.every(({ estimate }) => contextOf(estimate) === context);
  const runtimes = [
    ...new Set(reports.map(({ estimate }) => `${estimate.runtime} ${printable(estimate.runtimeVersion)}`)),
  ];
  return [
    formatPlural(read.length, "model"),
    ...(failed === 0 ? [] : [`${formatInteger(failed)} not weighed`]),
    ...(context === null ? [] : [same ? `context ${formatInteger(context)}` : "each at its trained context"]),
    ...runtimes,
  ].join(", ");
}

function tableLines(rows: readonly Row[], judged: boolean, style: Style, columns: number): readonly string[] {
  const titles = judged ? COLUMNS : COLUMNS.slice(0, -1);
  const header: readonly Cell[] = titles.map((text) => ({ text, paint: style.dim }));
  const align = titles.map((_, index) => ({ align: index === 0 ? ("left" as const) : ("right" as const) }));
  const figures = renderTable(align.slice(1), [header.slice(1), ...rows.map(({ cells }) => cells)]);
  const plain = renderTable(align.slice(1), [
    titles.slice(1),
    ...rows.map(({ cells }) => cells.map((cell) => (typeof cell === "string" ? cell : cell.text))),
  ]);
  const figureColumns = Math.max(...plain.map(displayWidth));
  const room = columns - figureColumns - 2;
  const longest = Math.max(...rows.map(({ name }) => displayWidth(name)));
  if (room >= LEAST_NAME_COLUMNS && longest <= room) {
    return figures.map((line, index) => {
      const name = index === 0 ? "" : (rows[index - 1]?.name ?? "");
      return `${name}${" ".repeat(longest - displayWidth(name))}  ${line}`;
    });
  }
  // Long names have lines of their own.
  return figures.flatMap((line, index) =>
    index === 0 ? [`  ${line}`] : [truncate(rows[index - 1]?.name ?? "", columns), `  ${line}`],
  );
}

function cellsOf(model: Model, { estimate, fits }: RuntimeReport, judged: boolean, style: Style): readonly Cell[] {
  const { weights, cache } = estimate.totals;
  const verdict = worstVerdict(fits);
  const word = verdict && VERDICT_WORDS[verdict];
  return [
    formatBytes(fileBytes(model)),
    bitsPerWeight(model),
    sizeCell(weights, style),
    sizeCell(cache, style),
    totalCell(estimate.totals, style),
    ...(judged ? [word === undefined ? "" : { text: word.short, paint: style[word.tone] }] : []),
  ];
}

function fileBytes({ source }: Model): number {
  return source.files.reduce((sum, { bytes }) => sum + bytes, 0);
}

function bitsPerWeight({ weights, parameters: { total } }: Model): string {
  return total > 0 ? ((8 * weights.bytes) / total).toFixed(2) : "-";
}

function sizeCell(bytes: number | null, style: Style): Cell {
  return bytes === null ? { text: UNKNOWN, paint: style.unsure } : formatBytes(bytes);
}

function totalCell({ total, low, high }: MemoryTotals, style: Style): Cell {
  if (total === null) return { text: UNKNOWN, paint: style.unsure };
  return `${high !== null && low !== high ? "~" : ""}${formatBytes(total)}`;
}

function deviceLines(reports: readonly RuntimeReport[], columns: number): readonly string[] {
  const devices = reports.flatMap(({ fits }) =>
    fits.map(({ device, capacityBytes }) => `${printable(device)} of ${formatBytes(capacityBytes)}`),
  );
  return wrap(`Fits: on ${[...new Set(devices)].join(", ")}.`, columns);
}

/** The quantization in a file's name, where that tells each from the others; else the path. */
function shortNames(entries: readonly Read[]): readonly string[] {
  const paths = entries.map(({ model, source }) => model.source.files[0]?.path ?? source);
  const tags = paths.map((path, index) => ggufTag(path) ?? entries[index]?.model.format);
  const unique = new Set(tags).size === tags.length;
  return paths.map((path, index) => (unique ? tags[index] : undefined) ?? path);
}
