import { quote } from "../bytes/printable.ts";
import type { Reporter } from "../diagnostics.ts";
import type { CrossRule, FeedForwardRule, MixerRule } from "./architectures/architecture.ts";
import type { Keys } from "./keys.ts";
import type { LayerCount } from "./layer-count.ts";
import { layerProblems } from "./layer-problems.ts";
import type { Mixer } from "./mixer.ts";
import type { LayerShape } from "./shape.ts";

const UNKNOWN: Mixer = { kind: "unknown" };

/** Without a rule of their own, mixers are unknown. */
type Rules = { readonly mixer?: MixerRule; readonly feedForward: FeedForwardRule; readonly cross?: CrossRule };

/** A mixer is no better than the keys it follows from: where one of them makes no sense, its cache is not known. */
function trusted(rule: MixerRule): MixerRule {
  return (keys) => {
    const before = keys.refused.length;
    const mixerOf = rule(keys);
    const [ofAll] = keys.refused.slice(before);
    return (layer) => {
      const beforeLayer = keys.refused.length;
      const mixer = mixerOf(layer);
      const name = ofAll ?? keys.refused[beforeLayer];
      if (name === undefined || typeof mixer === "string" || mixer.kind === "none") return mixer;
      return `${quote(name)} makes no sense`;
    };
  };
}

/** Applies the rules of an architecture to every layer. What the keys do not say is unknown, and reported. */
export function layerShapes(
  rules: Rules,
  keys: Keys,
  count: LayerCount,
  report: Reporter,
): { readonly main: LayerShape[]; readonly mtp: LayerShape[] } {
  const mixerOf = rules.mixer && trusted(rules.mixer)(keys);
  const feedForwardOf = rules.feedForward(keys);
  const crossOf = rules.cross?.(keys);
  const cross = (own: Mixer) => (crossOf !== undefined && own.kind === "attention" ? { cross: crossOf(own) } : {});
  const problems = layerProblems();
  const feedForward = (layer: number) => feedForwardOf(layer) ?? { kind: "none" as const };
  const main = Array.from({ length: count.main }, (_, layer): LayerShape => {
    const mixer = mixerOf?.(layer) ?? UNKNOWN;
    if (typeof mixer !== "string") return { mixer, ...cross(mixer), feedForward: feedForward(layer) };
    problems.add("unknown-cache", `${keys.origin}: ${mixer}, so what the layer caches is not known`, layer);
    return { mixer: UNKNOWN, feedForward: feedForward(layer) };
  });
  problems.flush(report);
  // Where the keys give an entry to main layers only, the blocks after them are like the last.
  const last = main.at(-1)?.mixer ?? UNKNOWN;
  const mtp = Array.from({ length: count.mtp }, (_, index): LayerShape => {
    const mixer = mixerOf?.(count.main + index) ?? UNKNOWN;
    return { mixer: typeof mixer === "string" ? last : mixer, feedForward: feedForward(count.main + index) };
  });
  return { main, mtp };
}
