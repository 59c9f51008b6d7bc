import type { FeedForward } from "../feed-forward.ts";
import type { Keys } from "../keys.ts";
import type { FeedForwardRule } from "./architecture.ts";

/** Experts of the width of a dense part, in some of the layers. */
export function someExperts(
  expertsPerToken: number,
  isSparse: (keys: Keys) => (layer: number) => boolean,
): FeedForwardRule {
  return (keys) => {
    const width = keys.integer("intermediate_size");
    const experts = keys.integer("num_experts");
    const sparse = isSparse(keys);
    return (layer): FeedForward | undefined => {
      if (width === undefined) return undefined;
      if (!sparse(layer)) return { kind: "dense", intermediateSize: width };
      if (experts === undefined) return undefined;
      const shared = { expertIntermediateSize: width, sharedIntermediateSize: 0 };
      return { kind: "experts", experts, expertsPerToken: Math.min(expertsPerToken, experts), ...shared };
    };
  };
}

/** modeling_switch_transformers.py, SwitchTransformersStack: the second layer of every run; alone in it, every one. */
export function switchSparse(keys: Keys): (layer: number) => boolean {
  const layers = keys.integer("num_hidden_layers") ?? 0;
  const sparse = keys.integer("num_sparse_decoder_layers") ?? 0;
  const step = sparse > 0 ? Math.floor(layers / sparse) : 0;
  return (layer) => step > 0 && (layer % step === 1 || step === 1);
}

/** modeling_nllb_moe.py, NllbMoeDecoder: the last layer of every run. */
export function nllbSparse(keys: Keys): (layer: number) => boolean {
  const step = keys.integer("decoder_sparse_step") ?? 0;
  return (layer) => step > 0 && (layer + 1) % step === 0;
}
