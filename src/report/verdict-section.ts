import { printable } from "../bytes/printable.ts";
import type { Model } from "../model/model.ts";
import type { MemoryTotals } from "../runtimes/estimate.ts";
import type { DeviceFit } from "../runtimes/fit.ts";
import { MEMORY_COMPONENTS } from "../runtimes/totals.ts";
import { alike, namesOf } from "./alike-devices.ts";
import { stackedBar } from "./bar.ts";
import { capacityWords } from "./capacity-words.ts";
import type { Style } from "./style.ts";
import { formatBytes, formatInteger, formatRange } from "./units.ts";
import type { RuntimeReport } from "./weigh.ts";
import { wrap } from "./width.ts";

/** A verdict in one or two words, and the paint it gets. */
export const VERDICT_WORDS: {
  readonly [verdict in DeviceFit["verdict"]]: { readonly short: string; readonly tone: "good" | "bad" | "unsure" };
} = {
  fits: { short: "fits", tone: "good" },
  "too-large": { short: "too large", tone: "bad" },
  close: { short: "unsure", tone: "unsure" },
};

const GLYPHS = { weights: "█", gradients: "▚", optimizer: "▞", cache: "▓", compute: "▒", overhead: "░" } as const;
const FREE_GLYPH = "·";

function sentence({ device, capacityBytes, verdict, spareBytes }: DeviceFit, use: MemoryTotals): string {
  const on = `on ${printable(device)}, ${formatBytes(capacityBytes)}`;
  const { total, low, high } = use;
  if (total === null || high === null) {
    return verdict === "too-large"
      ? `Does not fit ${on}: what is known takes ${formatBytes(low)} already.`
      : `Not known whether it fits ${on}: what is known takes ${formatBytes(low)}.`;
  }
  const isRange = high > low;
  switch (verdict) {
    case "fits":
      return `Fits ${on}: ${formatBytes(spareBytes)} to spare${isRange ? `, ${formatBytes(capacityBytes - high)} at worst` : ""}.`;
    case "too-large":
      return `Does not fit ${on}: ${formatBytes(-spareBytes)} too much${isRange && low > capacityBytes ? `, ${formatBytes(low - capacityBytes)} at best` : ""}.`;
    case "close":
      if (high <= capacityBytes) return `Too close to call ${on}: the cache pool that fits may be too small.`;
      return `Too close to call ${on}: takes ${formatRange(low, high)}.`;
  }
}

/** The device as one bar: what each component takes of it, and what stays free. */
function pictureOf(fit: DeviceFit, use: MemoryTotals, style: Style, columns: number): readonly string[] {
  const parts = MEMORY_COMPONENTS.map((component) => ({ size: use[component] ?? 0, glyph: GLYPHS[component] }));
  const legend = MEMORY_COMPONENTS.filter((component) => (use[component] ?? 0) > 0).map(
    (component) => `${GLYPHS[component]} ${component}`,
  );
  const free = fit.spareBytes > 0 ? [`${FREE_GLYPH} free`] : [];
  return [
    style.bar(stackedBar(parts, fit.capacityBytes, columns, FREE_GLYPH)),
    style.dim([...legend, ...free].join("  ")),
  ];
}

function contextSentence(model: Model, { estimate, fits, largestContextTokens }: RuntimeReport): string | undefined {
  if (largestContextTokens === null) {
    if (estimate.totals.total === null) return undefined;
    const weightsTooLarge = fits.some(
      (fit) => (estimate.devices.find((use) => use.name === fit.device)?.weights ?? 0) > fit.capacityBytes,
    );
    return weightsTooLarge
      ? "The weights alone are too large: take a smaller quantization, or a larger device."
      : "No context is sure to fit: the weights fit, but not with the rest beside them.";
  }
  const tokens = formatInteger(largestContextTokens);
  return largestContextTokens === model.trainedContext
    ? `The whole trained context fits: ${tokens} tokens.`
    : `Largest context that fits: ${tokens} tokens.`;
}

/** Whether it fits each device of known capacity, by how much, and the largest context that would. */
export function verdictSection(model: Model, report: RuntimeReport, style: Style, columns: number): readonly string[] {
  const useOf = ({ device }: DeviceFit) => report.estimate.devices.find(({ name }) => name === device);
  const sizes = (fit: DeviceFit) => JSON.stringify([fit.capacityBytes, fit.verdict, { ...useOf(fit), name: "" }]);
  const verdicts = alike(report.fits, sizes).flatMap(([fit, ...others]) => {
    const use = fit === undefined ? undefined : useOf(fit);
    if (fit === undefined || use === undefined) return [];
    const paint = style[VERDICT_WORDS[fit.verdict].tone];
    const name = namesOf([fit, ...others].map(({ device }) => ({ name: device })));
    return [
      ...pictureOf(fit, use, style, columns),
      ...wrap(sentence(others.length === 0 ? fit : { ...fit, device: `each of ${name}` }, use), columns).map((line) =>
        style.bold(paint(line)),
      ),
    ];
  });
  const pool = capacityWords(report.estimate);
  const held = pool === undefined ? [] : wrap(`${pool.charAt(0).toUpperCase()}${pool.slice(1)}.`, columns);
  const context = verdicts.length === 0 ? undefined : contextSentence(model, report);
  return [...verdicts, ...held, ...(context === undefined ? [] : wrap(context, columns))];
}
