import { tokenEmbeddings } from "../blocks/embedding.ts";
import { dense } from "../blocks/feed-forward.ts";
import { head } from "../blocks/head.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { modelNorm, normOf } from "../blocks/norm.ts";
import { bySequence, byToken, stateRows } from "../blocks/recurrent-state.ts";
import { type TimeMix, timeMix6, timeMix7 } from "../blocks/time-mix.ts";
import { keepShift, lastToken, partOfShift, readShift, shifted } from "../blocks/token-shift.ts";
import type { GraphBuilder } from "../context.ts";
import { add, mul, scale, sqr, sub, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { concat } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

type ChannelMix = (block: BlockWeights, x: GraphTensor, before: GraphTensor) => GraphTensor;

type Options = {
  readonly timeMix: () => TimeMix;
  readonly channelMix: ChannelMix;
  /** Hidden states are halved every few layers (`rescale_every_n_layers`). */
  readonly rescales?: boolean;
};

/** Time mixing, then channel mixing, both of each token and its predecessor (`src/models/rwkv6.cpp`, `rwkv7.cpp`). */
function rwkv({ timeMix: timeMixOf, channelMix, rescales = false }: Options): GraphBuilder {
  return (g) => {
    const { hp } = g;
    const timeMix = timeMixOf();
    const embeddings = modelNorm(g, "token_embd_norm", tokenEmbeddings(g), "layer", 0);
    const rows = stateRows(g);
    const rescaled = rescales ? hp.number("rescale_every_n_layers", 0) : 0;
    const x = layers(g, embeddings, (flat, block) => {
      const il = block.index;
      const x = bySequence(g, flat);
      const shift = readShift(g, rows, block);
      const normed = normOf(g, block, "attn_norm", x, "layer");
      const y = add(timeMix(g, rows, block, normed, shifted(partOfShift(shift), normed)), x);
      const inner = normOf(g, block, "attn_norm_2", y, "layer");
      const before = shifted(partOfShift(shift), inner);
      keepShift(g, block, concat(lastToken(normed), lastToken(inner), 1));
      const put = (z: GraphTensor): GraphTensor => putOut(g, block, byToken(g, z));
      const residual = put(y);
      const z = add(channelMix(block, put(inner), put(before)), residual);
      return rescaled !== 0 && (il + 1) % rescaled === 0 ? scale(z) : z;
    });
    return head(g, x, { kind: "layer" });
  };
}

/** Time mixing in the place of Qwen's attention (`src/models/rwkv6qwen2.cpp`, `arwkv7.cpp`). */
function rwkvQwen(timeMixOf: () => TimeMix): GraphBuilder {
  return (g) => {
    const timeMix = timeMixOf();
    const embeddings = tokenEmbeddings(g);
    const rows = stateRows(g);
    const x = layers(g, embeddings, (flat, block) => {
      const x = bySequence(g, flat);
      const shift = readShift(g, rows, block);
      const normed = normOf(g, block, "attn_norm", x);
      const mixed = timeMix(g, rows, block, normed, shifted(shift, normed));
      keepShift(g, block, lastToken(normed));
      const y = putOut(g, block, byToken(g, add(mixed, x)));
      const inner = normOf(g, block, "ffn_norm", y);
      return add(dense(g, block, inner, "silu"), y);
    });
    return head(g, x);
  };
}

/** A squared relu between two matrices; in RWKV 6 the receptance gates it. */
const channelMix6: ChannelMix = (block, x, before) => {
  const difference = sub(before, x);
  const receptance = unary(channelTimes(block, "receptance", towards(block, "r", difference, x)));
  const key = sqr(unary(channelTimes(block, "key", towards(block, "k", difference, x))));
  return mul(receptance, channelTimes(block, "value", key));
};

const channelMix7: ChannelMix = (block, x, before) => {
  const key = channelTimes(block, "key", towards(block, "k", sub(before, x), x));
  return channelTimes(block, "value", sqr(unary(key)));
};

function towards(block: BlockWeights, part: string, difference: GraphTensor, x: GraphTensor): GraphTensor {
  return add(mul(difference, block.need(`channel_mix_lerp_${part}`)), x);
}

function channelTimes(block: BlockWeights, name: string, x: GraphTensor): GraphTensor {
  return mulMat(block.need(`channel_mix_${name}`), x);
}

export const RWKV: Readonly<Record<string, GraphBuilder>> = {
  rwkv6: rwkv({ timeMix: () => timeMix6, channelMix: channelMix6, rescales: true }),
  rwkv7: rwkv({ timeMix: timeMix7, channelMix: channelMix7 }),
  rwkv6qwen2: rwkvQwen(() => timeMix6),
  arwkv7: rwkvQwen(timeMix7),
};
