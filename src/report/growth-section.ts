import type { Model } from "../model/model.ts";
import { bar, fittingBar } from "./bar.ts";
import type { Style } from "./style.ts";
import { type Cell, renderTable } from "./table.ts";
import { formatBytes, formatTokens } from "./units.ts";
import { VERDICT_WORDS } from "./verdict-section.ts";
import { contextOf, type RuntimeReport } from "./weigh.ts";

const BAR_COLUMNS = 10;
/** Columns that hold every mark. */
const MARK_COLUMNS = 70;
const TITLE = "Cache growth";
const UNKNOWN = "not known";

function sizeCell(bytes: number | null, style: Style): Cell {
  return bytes === null ? { text: UNKNOWN, paint: style.unsure } : formatBytes(bytes);
}

/** Which row is which; the memory's headline names this workload's context too, so a narrow terminal does without. */
function marks(contextTokens: number, trained: number | null, asked: number | null, columns: number): string {
  const isAsked = contextTokens === asked && columns >= MARK_COLUMNS;
  return [contextTokens === trained ? "trained" : [], isAsked ? "this one" : []].flat().join(", ");
}

const TABLE = [
  { align: "right" },
  { align: "right" },
  { align: "right" },
  { align: "left" },
  { align: "left" },
  { align: "left" },
] as const;

function perTokenWords(cachePerToken: number | null): string {
  if (cachePerToken === null) return `per token ${UNKNOWN}`;
  return cachePerToken === 0 ? "does not grow" : `${formatBytes(cachePerToken)} per token`;
}

/** How the cache grows: per token, and at the usual contexts. */
export function growthSection(model: Model, report: RuntimeReport, style: Style, columns: number): readonly string[] {
  const { estimate, growth } = report;
  const { cachePerToken } = estimate;
  const title = style.bold(TITLE);
  if (growth.length > 0 && growth.every((point) => point.cacheBytes === 0)) {
    return [`${title}${style.dim("  none: nothing is kept between tokens")}`];
  }
  const perToken = perTokenWords(cachePerToken);
  if (growth.every((point) => point.cacheBytes === null)) return [`${title}${style.dim(`  ${perToken}`)}`];
  const barColumns = fittingBar(BAR_COLUMNS, columns);
  const widest = Math.max(0, ...growth.map((point) => point.cacheBytes ?? 0));
  const rows = growth.map((point): readonly Cell[] => {
    const words = point.verdict === undefined ? undefined : VERDICT_WORDS[point.verdict];
    return [
      formatTokens(point.contextTokens),
      sizeCell(point.cacheBytes, style),
      sizeCell(point.totalBytes, style),
      { text: bar(point.cacheBytes ?? 0, widest, barColumns), paint: style.bar },
      words === undefined ? "" : { text: words.short, paint: style[words.tone] },
      { text: marks(point.contextTokens, model.trainedContext, contextOf(estimate), columns), paint: style.dim },
    ];
  });
  const table = renderTable(TABLE, [[TITLE, "cache", "total", "", "", ""], ...rows]);
  const [header = "", ...lines] = table;
  return [`${title}${style.dim(`${header.slice(TITLE.length)}  ${perToken}`)}`, ...lines];
}
