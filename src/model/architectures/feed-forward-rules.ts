import type { FeedForward } from "../feed-forward.ts";
import type { Keys } from "../keys.ts";
import type { FeedForwardRule } from "./architecture.ts";

/** No feed-forward part. */
export const noFeedForward: FeedForwardRule = () => () => ({ kind: "none" });

/**
 * Feed-forward of a GGUF file: experts where `expert_count` is above 0, from `leading_dense_block_count` on if the
 * architecture reads that key.
 */
export function ggufFeedForward(options: { readonly leadingDense?: boolean } = {}): FeedForwardRule {
  return (keys) => {
    const dense = keys.perLayer("feed_forward_length");
    const experts = keys.integer("expert_count") ?? 0;
    if (experts === 0) return (layer) => denseOf(dense?.(layer));
    const used = keys.perLayer("expert_used_count");
    const expertWidth = keys.perLayer("expert_feed_forward_length") ?? dense;
    const shared = keys.integer("expert_shared_feed_forward_length");
    const sharedCount = keys.integer("expert_shared_count") ?? 0;
    const firstExpertLayer = options.leadingDense ? (keys.integer("leading_dense_block_count") ?? 0) : 0;
    return (layer) => {
      if (layer < firstExpertLayer) return denseOf(dense?.(layer));
      const width = expertWidth?.(layer);
      return expertsOf(experts, used?.(layer), width, shared ?? sharedCount * (width ?? 0));
    };
  };
}

/** Dense feed-forward of a config.json. */
export const configDense: FeedForwardRule = (keys) => {
  const width = keys.integer("intermediate_size", "hidden_dim");
  return () => denseOf(width);
};

/** Names under which a config.json describes its experts, aliases best first. */
export type ConfigExperts = {
  readonly experts: readonly string[];
  readonly used?: readonly string[];
  readonly width: readonly string[];
  /** Width of the always-on experts together. */
  readonly sharedWidth?: (keys: Keys) => number | undefined;
  /** Layers that have a dense part instead. */
  readonly dense?: (keys: Keys) => (layer: number) => boolean;
};

/** Mixture of experts of a config.json. */
export function configExperts(names: ConfigExperts): FeedForwardRule {
  return (keys) => {
    const dense = keys.perLayer("intermediate_size");
    const experts = keys.perLayer(...names.experts);
    const used = keys.perLayer(...(names.used ?? ["num_experts_per_tok"]));
    const width = keys.perLayer(...names.width);
    const shared = names.sharedWidth?.(keys) ?? 0;
    const isDense = names.dense?.(keys);
    return (layer) => {
      const count = experts?.(layer) ?? 0;
      if (count === 0 || isDense?.(layer)) return denseOf(dense?.(layer));
      return expertsOf(count, used?.(layer), width?.(layer), shared);
    };
  };
}

function denseOf(width: number | undefined): FeedForward | undefined {
  if (width === undefined) return undefined;
  return width === 0 ? { kind: "none" } : { kind: "dense", intermediateSize: width };
}

function expertsOf(
  experts: number,
  used: number | undefined,
  width: number | undefined,
  shared: number,
): FeedForward | undefined {
  if (used === undefined || width === undefined) return undefined;
  return {
    kind: "experts",
    experts,
    expertsPerToken: Math.min(used, experts),
    expertIntermediateSize: width,
    sharedIntermediateSize: shared,
  };
}
