import type { GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights, Projection } from "../weights.ts";
import { type AttentionOptions, attendBatch, batchInputs, type Queried } from "./attention.ts";
import { layers, putOut } from "./decoder.ts";
import { type NormKind, norm } from "./norm.ts";

/** A layer that norms before attention and before its feed-forward, and looks both ways. */
export type BidirectionalLayer = {
  readonly kind: NormKind;
  /** Queries, keys and values of the normed states. */
  readonly heads: (block: BlockWeights, x: GraphTensor) => Queried;
  readonly output: (block: BlockWeights) => Projection;
  /** The feed-forward or the experts. */
  readonly mixed: (block: BlockWeights, x: GraphTensor) => GraphTensor;
  readonly attention?: ((block: BlockWeights) => AttentionOptions) | undefined;
  /** Of the names of the layers' tensors. Default: `blk`. */
  readonly prefix?: string | undefined;
};

/** Such layers one after the other, `[hidden, tokens]` to the tokens that are put out: nothing is cached. */
export function bidirectionalLayers(g: GraphContext, embeddings: GraphTensor, layer: BidirectionalLayer): GraphTensor {
  const { kind, heads, output, mixed, attention, prefix } = layer;
  const inputs = batchInputs(g);
  return layers(g, embeddings, (x, { index: il }) => {
    const block = g.block(il, prefix);
    const first = block.weight("attn_norm");
    // ModernBERT's first layer reads the normed embedding as it is.
    const normed = first === undefined ? x : norm(g, x, first, kind, il);
    const y = attendBatch(g, inputs, il, heads(block, normed), output(block), attention?.(block));
    const residual = add(putOut(g, block, y), putOut(g, block, x));
    return add(mixed(block, norm(g, residual, block.weight("ffn_norm"), kind, il)), residual);
  });
}
