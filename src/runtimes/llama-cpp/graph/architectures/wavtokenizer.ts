import { tokenEmbeddings } from "../blocks/embedding.ts";
import { feedForward } from "../blocks/feed-forward.ts";
import { modelNorm, norm } from "../blocks/norm.ts";
import { plus, project } from "../blocks/projection.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { convolution, depthwiseConvolution } from "../ops/convolutions.ts";
import { add, mul, unary } from "../ops/elementwise.ts";
import { maskedSoftMax, mulMat } from "../ops/products.ts";
import { cont, transpose } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import { type BlockWeights, MissingWeight, type Projection } from "../weights.ts";

/** Sound out of tokens: residual convolutions around one attention, then ConvNeXt (`src/models/wavtokenizer-dec.cpp`). */
const wavtokenizer: GraphBuilder = (g) => {
  const { hp, weights } = g;
  let x = convolved(weights.projection("conv1d"), turned(tokenEmbeddings(g)));
  const posnet = POSNET.slice(0, hp.number("posnet.block_count", 0));
  for (const [il, block] of posnet.entries()) x = block(g, g.block(il, "posnet"), x);
  x = turned(modelNorm(g, "token_embd_norm", turned(x), "layer", 0));
  for (let il = 0; il < hp.number("convnext.block_count", 0); il++) x = convNext(g, g.block(il, "convnext"), x);
  const embedding = g.expand(project(weights.projection("output"), modelNorm(g, "output_norm", turned(x), "layer")));
  return { embedding };
};

type Block = (g: GraphContext, block: BlockWeights, x: GraphTensor) => GraphTensor;

/** What the blocks of the first part are, in their order. */
const POSNET: readonly Block[] = [residual, residual, attention, residual, residual, normed];

/** Two convolutions, each after a norm and a swish. */
function residual(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  let y = x;
  for (const part of [1, 2]) {
    const groups = normedGroups(g, block, `norm${part}`, y);
    y = convolved(block.projection(`conv${part}`), mul(unary(groups), groups));
  }
  return add(y, x);
}

/** One head that sees everything; its projections are convolutions of width 1. */
function attention(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const y = normed(g, block, x);
  const part = (name: string): GraphTensor => convolved(block.projection(`attn_${name}`), y);
  const [q, k, v] = [turned(part("q")), turned(part("k")), part("v")];
  const attended = mulMat(maskedSoftMax(mulMat(k, q), undefined), v);
  return add(convolved(block.projection("attn_output"), attended), x);
}

function normed(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  return normedGroups(g, block, "attn_norm", x);
}

/** All norms are noted for the first layer. */
function normedGroups(g: GraphContext, block: BlockWeights, name: string, x: GraphTensor): GraphTensor {
  return norm(g, x, block.weight(name), "group", 0, block.bias(name));
}

/** A convolution of each channel, then a feed-forward over all of them. */
function convNext(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const y = depthwiseConvolution(block.need("dw"), x);
  const places = turned(plus(y, block.bias("dw")));
  const before = norm(g, places, block.weight("norm"), "layer", -1, block.bias("norm"));
  const mixed = feedForward(before, { up: block.projection("pw1"), down: block.projection("pw2") }, "gelu");
  return add(turned(mul(mixed, block.need("gamma"))), x);
}

function convolved({ weight, bias }: Projection, x: GraphTensor): GraphTensor {
  if (weight === undefined) throw new MissingWeight("of a convolution");
  return plus(convolution(weight, x), bias);
}

/** Channels and places change sides. */
function turned(x: GraphTensor): GraphTensor {
  return cont(transpose(x));
}

export const WAVTOKENIZER: Readonly<Record<string, GraphBuilder>> = { "wavtokenizer-dec": wavtokenizer };
