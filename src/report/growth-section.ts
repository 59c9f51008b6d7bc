import type { Model } from "../model/model.ts";
import { bar } from "./bar.ts";
import type { Style } from "./style.ts";
import { type Cell, indent, renderTable } from "./table.ts";
import { formatBytes, formatTokens } from "./units.ts";
import { VERDICT_WORDS } from "./verdict-section.ts";
import { contextOf, type RuntimeReport } from "./weigh.ts";

const BAR_COLUMNS = 18;
const UNKNOWN = "not known";

function sizeCell(bytes: number | null, style: Style): Cell {
  return bytes === null ? { text: UNKNOWN, paint: style.unsure } : formatBytes(bytes);
}

function marks(contextTokens: number, trained: number | null, asked: number | null): string {
  return [contextTokens === trained ? "trained" : [], contextTokens === asked ? "this workload" : []].flat().join(", ");
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
  return cachePerToken === 0
    ? "none: its size does not depend on the context"
    : `${formatBytes(cachePerToken)} per token`;
}

/** How the cache grows: per token, and at the usual contexts. */
export function growthSection(model: Model, report: RuntimeReport, style: Style): readonly string[] {
  const { estimate, growth } = report;
  const { cachePerToken } = estimate;
  const title = style.bold("Cache growth");
  if (growth.length > 0 && growth.every((point) => point.cacheBytes === 0)) {
    return [`${title}${style.dim("  none: nothing is kept between tokens")}`];
  }
  const head = `${title}${style.dim(`  ${perTokenWords(cachePerToken)}`)}`;
  if (growth.every((point) => point.cacheBytes === null)) return [head];
  const widest = Math.max(0, ...growth.map((point) => point.cacheBytes ?? 0));
  const rows = growth.map((point): readonly Cell[] => {
    const words = point.verdict === undefined ? undefined : VERDICT_WORDS[point.verdict];
    return [
      formatTokens(point.contextTokens).padStart(9),
      sizeCell(point.cacheBytes, style),
      sizeCell(point.totalBytes, style),
      { text: bar(point.cacheBytes ?? 0, widest, BAR_COLUMNS), paint: style.bar },
      words === undefined ? "" : { text: words.short, paint: style[words.tone] },
      { text: marks(point.contextTokens, model.trainedContext, contextOf(estimate)), paint: style.dim },
    ];
  });
  const header = ["context", "cache", "total", "", "", ""].map((text) => ({ text, paint: style.dim }));
  return [head, ...indent(renderTable(TABLE, [header, ...rows]))];
}
