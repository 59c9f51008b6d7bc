import type { AttentionMixer, LatentMixer, Mixer } from "../../model/mixer.ts";
import { attentionPart } from "../../model/mixer-parts.ts";
import type { Layout } from "./layouts.ts";
import type { MlxSettings } from "./settings.ts";

/** What one cache object holds of each token. */
export type Rows = {
  readonly name: string;
  /** Vectors, each packed by itself: the keys and the values of each head. */
  readonly vectors: readonly { readonly count: number; readonly width: number }[];
  /** `never`: in a `CacheList`, which stays as it is. `unread`: packed, and then the attention cannot read it. */
  readonly packing: "possible" | "never" | "unread";
};

/** The caches of one layer; none where it keeps nothing of its tokens, or another layer does. */
export function rowsOf(mixer: Mixer, layout: Layout): Rows[] {
  const attention = attentionPart(mixer);
  if (attention === undefined) return [];
  if (attention.kind === "attention" && (!attention.causal || attention.sharesCacheWith !== undefined)) return [];
  const { indexer } = attention;
  const copies = (attention.kind === "attention" ? attention.passes : attention.attentions) ?? 1;
  const listed =
    layout.grouped === true ||
    mixer.kind === "parallel" ||
    indexer !== undefined ||
    (attention.kind === "latent" && attention.attentions !== undefined);
  const unread = layout.readsUnpacked === true || (attention.kind === "latent" && layout.expanded !== true);
  const keysAndValues: Rows = {
    name: attention.kind === "latent" && layout.expanded !== true ? "latent cache" : "KV cache",
    vectors: vectorsOf(attention, layout),
    packing: listed ? "never" : unread ? "unread" : "possible",
  };
  const rows = Array.from({ length: copies }, () => keysAndValues);
  if (indexer === undefined) return rows;
  const keys = [{ count: layout.indexCopies ?? 1, width: indexer.keyDim }];
  return [...rows, { name: "index keys", vectors: keys, packing: "never" }];
}

function vectorsOf(attention: AttentionMixer | LatentMixer, { expanded }: Layout): Rows["vectors"] {
  if (attention.kind === "attention") {
    const { kvHeads, keyDim, valueDim } = attention;
    return [keyDim, valueDim].map((width) => ({ count: kvHeads, width }));
  }
  const { heads, kvLoraRank, ropeDim, nopeDim, valueDim } = attention;
  return expanded === true
    ? [nopeDim + ropeDim, valueDim].map((width) => ({ count: heads, width }))
    : [kvLoraRank, ropeDim].map((width) => ({ count: 1, width }));
}

/** Bytes of one token's row, plain. */
export function plainBytes({ vectors }: Rows, elementBytes: number): number {
  return vectors.reduce((sum, { count, width }) => sum + count * width * elementBytes, 0);
}

/** The same packed in 32-bit words, with a scale and a bias for each group in the type of the vectors. */
export function packedBytes({ vectors }: Rows, bits: number, settings: MlxSettings, elementBytes: number): number {
  return vectors.reduce((sum, { count, width }) => {
    const groups = width / settings.kvGroupSize;
    return sum + count * ((width * bits) / 8 + groups * 2 * elementBytes);
  }, 0);
}
