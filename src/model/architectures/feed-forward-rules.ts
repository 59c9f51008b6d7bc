import type { FeedForward } from "../feed-forward.ts";
import type { Keys, PerLayer } from "../keys.ts";
import type { FeedForwardRule } from "./architecture.ts";

/** No feed-forward part. */
export const noFeedForward: FeedForwardRule = () => () => ({ kind: "none" });

/** What tells layers with experts from dense ones, and how wide the always-on experts are, in a GGUF file. */
type GgufExperts = {
  /** The first `leading_dense_block_count` layers are dense. */
  readonly leadingDense?: boolean;
  /** Layers that may have experts at all. Default: every one. */
  readonly expertLayers?: (keys: Keys) => (layer: number) => boolean;
  /** Layers of no width have no feed-forward part. */
  readonly someWithout?: boolean;
  /** The always-on expert is as wide as the others, whatever the keys say. */
  readonly sharedAsWide?: boolean;
};

/** Feed-forward of a GGUF file: experts where `expert_count` is above 0. */
export function ggufFeedForward(options: GgufExperts = {}): FeedForwardRule {
  return (keys) => {
    const dense = keys.perLayer("feed_forward_length");
    const experts = keys.integer("expert_count") ?? 0;
    if (experts === 0) return (layer) => denseOf(dense?.(layer));
    const used = keys.perLayer("expert_used_count");
    const expertWidth = keys.perLayer("expert_feed_forward_length");
    const shared = keys.integer("expert_shared_feed_forward_length");
    const sharedCount = keys.integer("expert_shared_count") ?? 0;
    const hasExperts = options.expertLayers?.(keys);
    const firstExpertLayer = options.leadingDense ? (keys.integer("leading_dense_block_count") ?? 0) : 0;
    return (layer) => {
      if (layer < firstExpertLayer || hasExperts?.(layer) === false) return denseOf(dense?.(layer));
      if (options.someWithout && dense?.(layer) === 0) return { kind: "none" };
      const width = expertWidth?.(layer) || dense?.(layer);
      const sharedWidth = options.sharedAsWide ? width : shared || sharedCount * (width ?? 0);
      return expertsOf(experts, used?.(layer), width, sharedWidth ?? 0);
    };
  };
}

/** No layer, whatever the keys say of experts. */
export const noExperts = () => (): boolean => false;

/** Every n-th layer, the last of each run, n being `interleave_moe_layer_step`. */
export function interleavedExperts(keys: Keys): (layer: number) => boolean {
  const step = keys.integer("interleave_moe_layer_step") ?? 0;
  return (layer) => step > 0 && (layer + 1) % step === 0;
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
  /** Width of a dense part. Default: `intermediate_size`. */
  readonly denseWidth?: (keys: Keys) => PerLayer | undefined;
};

/** Mixture of experts of a config.json. */
export function configExperts(names: ConfigExperts): FeedForwardRule {
  return (keys) => {
    const dense = names.denseWidth ? names.denseWidth(keys) : keys.perLayer("intermediate_size");
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
