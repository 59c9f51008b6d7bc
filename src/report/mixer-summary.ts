import type { FeedForward } from "../model/feed-forward.ts";
import type { AttentionMixer, AttentionWindow, CrossMixer, Indexer, Mixer } from "../model/mixer.ts";
import type { ModelLayer } from "../model/model.ts";
import { formatInteger, formatPlural } from "./units.ts";

/** Counts equal texts, in the order they first appear. */
export function tally(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** One number, or how many layers have which: `8 (26 layers), 0 (6 layers)`. */
export function perLayer(values: number | readonly number[]): string {
  if (typeof values === "number") return formatInteger(values);
  const counts = tally(values.map(formatInteger));
  if (counts.size === 1) return [...counts.keys()].join();
  return [...counts].map(([value, layers]) => `${value} (${formatPlural(layers, "layer")})`).join(", ");
}

function windowText(window: AttentionWindow): string {
  return window.kind === "none" ? "full" : `${window.kind} ${formatInteger(window.tokens)}`;
}

function attentionText(mixer: AttentionMixer): string {
  const direction = mixer.causal ? "" : "both ways, ";
  const shared = mixer.sharesCacheWith === undefined ? "" : " sharing an earlier cache";
  const target = mixer.readsTargetCache ? " reading the cache of the model it drafts for" : "";
  const rows = mixer.compression === undefined ? "" : ` and 1 row for ${mixer.compression.ratio} tokens`;
  const passes = (mixer.passes ?? 1) === 1 ? "" : `, ${mixer.passes} passes`;
  return `${direction}${windowText(mixer.window)}${rows}${shared}${target}${indexerText(mixer.indexer)}${passes}`;
}

function indexerText(indexer: Indexer | undefined): string {
  return indexer === undefined ? "" : " chosen by an indexer";
}

function encoderText({ encoderTokens }: CrossMixer): string {
  return encoderTokens === null ? "the encoder" : formatPlural(encoderTokens, "encoder token");
}

/** Noun of a group of layers, and what tells its members apart. */
function mixerWords(mixer: Mixer): { readonly noun: string; readonly detail: string } {
  switch (mixer.kind) {
    case "attention":
      return { noun: "attention", detail: attentionText(mixer) };
    case "latent":
      return {
        noun: "latent attention (MLA)",
        detail: `rank ${formatInteger(mixer.kvLoraRank)} + ${mixer.ropeDim} rotary${
          mixer.window.kind === "none" ? "" : `, ${windowText(mixer.window)}`
        }${indexerText(mixer.indexer)}${mixer.attentions === undefined ? "" : `, ${mixer.attentions} attentions`}`,
      };
    case "recurrent":
      return { noun: "recurrent", detail: mixer.family };
    case "parallel":
      return {
        noun: "parallel",
        detail: `attention (${attentionText(mixer.attention)}) beside ${mixer.recurrent.family}`,
      };
    case "cross":
      return { noun: "cross-attention", detail: `over ${encoderText(mixer)}` };
    case "none":
      return { noun: "mixer-free", detail: "" };
    case "unknown":
      return { noun: "unknown", detail: "" };
  }
}

/** How the layers mix tokens, in words: `26 attention layers: 22 sliding 512, 4 full`. One line per kind. */
export function mixerSummary(layers: readonly ModelLayer[]): readonly string[] {
  const details = new Map<string, string[]>();
  for (const layer of layers) {
    if (layer.mtp === true) continue;
    const { noun, detail } = mixerWords(layer.mixer);
    const list = details.get(noun) ?? [];
    list.push(layer.cross === undefined ? detail : `${detail}, then over ${encoderText(layer.cross)}`);
    details.set(noun, list);
  }
  return [...details].map(([noun, list]) => {
    const kinds = tally(list);
    const words =
      kinds.size === 1 ? [...kinds.keys()].join() : [...kinds].map(([text, count]) => `${count} ${text}`).join(", ");
    return `${formatPlural(list.length, `${noun} layer`)}${words === "" ? "" : `: ${words}`}`;
  });
}

function feedForwardText(part: FeedForward): string {
  switch (part.kind) {
    case "dense":
      return `dense, ${formatInteger(part.intermediateSize)} wide`;
    case "experts": {
      const shared =
        part.sharedIntermediateSize === 0 ? "" : ` + ${formatInteger(part.sharedIntermediateSize)} wide always on`;
      return `${formatPlural(part.experts, "expert")} of ${formatInteger(part.expertIntermediateSize)}, ${formatInteger(
        part.expertsPerToken,
      )} per token${shared}`;
    }
    case "none":
      return "none";
  }
}

/** The feed-forward parts in words; the number of layers is given when they differ. */
export function feedForwardSummary(layers: readonly ModelLayer[]): readonly string[] {
  const kinds = tally(layers.filter((layer) => layer.mtp !== true).map((layer) => feedForwardText(layer.feedForward)));
  if (kinds.size === 1) return [...kinds.keys()];
  return [...kinds].map(([text, count]) => `${formatPlural(count, "layer")}: ${text}`);
}
