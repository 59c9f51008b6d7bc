import type { Reporter } from "../diagnostics.ts";
import type { InspectCode } from "../errors.ts";

/** Gathers what is wrong layer by layer, so that 60 layers with one fault are one diagnostic. */
export type LayerProblems = {
  add(code: InspectCode, problem: string, layer: number): void;
  /** Reports each problem once, with its layers. */
  flush(report: Reporter): void;
};

export function layerProblems(): LayerProblems {
  const found = new Map<string, { readonly code: InspectCode; readonly problem: string; readonly layers: number[] }>();
  return {
    add: (code, problem, layer) => {
      const key = `${code} ${problem}`;
      const entry = found.get(key) ?? { code, problem, layers: [] };
      entry.layers.push(layer);
      found.set(key, entry);
    },
    flush: (report) => {
      for (const { code, problem, layers } of found.values()) {
        const where = layerList(layers);
        report(code, `${problem} (${where})`, where);
      }
      found.clear();
    },
  };
}

/** `layer 3`, `layers 0-31`, `layers 0-2, 5 and 12 more`. */
function layerList(layers: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const layer of layers) {
    const range = ranges.at(-1);
    if (range !== undefined && range[1] === layer - 1) range[1] = layer;
    else ranges.push([layer, layer]);
  }
  const shown = ranges.slice(0, SHOWN_RANGES);
  const rest = ranges.slice(SHOWN_RANGES).reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const text = shown.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(", ");
  return `layer${layers.length === 1 ? "" : "s"} ${text}${rest > 0 ? ` and ${rest} more` : ""}`;
}

const SHOWN_RANGES = 8;
