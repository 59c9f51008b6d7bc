import type { GraphBuilder, GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { attendCache, cacheInputs } from "./attention.ts";
import { type HeadOptions, head, layers, putOut } from "./decoder.ts";
import { tokenEmbeddings } from "./embedding.ts";
import { type ExpertOptions, experts } from "./experts.ts";
import { type Activation, bareParts, denseParts, feedForward, withoutScales } from "./feed-forward.ts";
import { type NormKind, norm } from "./norm.ts";
import { queryKeyValue } from "./qkv.ts";
import type { HeadStep } from "./rotary.ts";

/** A part of a layer: hidden states `[hidden, tokens]` to the same. */
export type LayerPart = (g: GraphContext, block: BlockWeights, x: GraphTensor) => GraphTensor;

export type PreNormOptions = {
  /** Default: `rms`. */
  readonly kind?: NormKind;
  /** The first hidden states. Default: rows of the embedding. */
  readonly embed?: (g: GraphContext) => GraphTensor;
  /** What tells queries and keys their positions. Default: nothing (they are in the embedding or in the mask). */
  readonly position?: HeadStep;
  /** Attention adds `attn_output.bias`: not everywhere, though the file may have one. */
  readonly outputBias?: boolean;
  /** Name of the norm before the feed-forward. */
  readonly secondNorm?: string;
  readonly feedForward: LayerPart;
  /** Attention and feed-forward read the same hidden states, and both are added to them. */
  readonly isParallel?: (g: GraphContext) => boolean;
  /** What follows a layer; `embedded` are the first hidden states. */
  readonly after?: (g: GraphContext, block: BlockWeights, x: GraphTensor, embedded: GraphTensor) => GraphTensor;
  readonly head?: Omit<HeadOptions, "kind">;
  /** Queries, keys and values are not multiplied with the scales of an NVFP4 file. */
  readonly unscaledHeads?: boolean;
  /** The last layer computes all tokens, not only those that are put out. */
  readonly putsOutAll?: boolean;
};

/** A decoder whose layers norm, attend and add, then norm, feed forward and add. */
export function preNormDecoder(options: PreNormOptions): GraphBuilder {
  const {
    kind = "rms",
    outputBias = true,
    secondNorm = "ffn_norm",
    unscaledHeads = false,
    putsOutAll = false,
  } = options;
  const { position, isParallel, after } = options;
  return (g) => {
    const inputs = cacheInputs(g);
    const embedded = (options.embed ?? tokenEmbeddings)(g);
    const normed = (block: BlockWeights, x: GraphTensor, name: string): GraphTensor =>
      norm(g, x, block.weight(name), kind, block.index, kind === "rms" ? undefined : block.bias(name));
    const going = (block: BlockWeights, x: GraphTensor): GraphTensor => (putsOutAll ? x : putOut(g, block, x));
    const last = layers(g, embedded, (x, block) => {
      const heads = queryKeyValue(g, block, normed(block, x, "attn_norm"), { unscaled: unscaledHeads });
      const queried = position?.(g, block, heads) ?? heads;
      const output = block.projection("attn_output");
      const read = outputBias ? output : { ...output, bias: undefined };
      const y = going(block, attendCache(g, inputs, block.index, queried, read));
      const z = going(block, x);
      const forwarded = (from: GraphTensor): GraphTensor =>
        add(options.feedForward(g, block, normed(block, from, secondNorm)), from);
      const sum = isParallel?.(g) ? add(forwarded(z), y) : forwarded(add(y, z));
      return after?.(g, block, sum, embedded) ?? sum;
    });
    return head(g, last, { kind, ...options.head });
  };
}

/** A dense feed-forward whose biases are read where the file has them, and whose scales are not. */
export function biasedFeedForward(activation: Activation): LayerPart {
  return (_, block, x) => feedForward(x, withoutScales(denseParts(block)), activation);
}

/** A dense feed-forward of matrices alone. */
export function bareFeedForward(activation: Activation, name?: string): LayerPart {
  return (_, block, x) => feedForward(x, bareParts(block, name), activation);
}

/**
 * Experts as most take them: chances of all by softmax, those of the chosen made to sum to 1. No `expert_weights_scale`:
 * the engine does not read it for these.
 */
export function usualExperts(options: Partial<ExpertOptions>): LayerPart {
  return (g, block, x) => experts(g, block, x, { gating: "softmax", activation: "silu", normalized: true, ...options });
}
