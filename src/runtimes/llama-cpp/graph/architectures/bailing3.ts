import { attendLatent, type CacheInputs, cacheInputs } from "../blocks/attention.ts";
import { layers } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { limitOf } from "../blocks/feed-forward.ts";
import { type KimiDeltaOptions, kimiDeltaLayer } from "../blocks/kimi-delta.ts";
import { absorbedHeads, latentQueries, latentSizes } from "../blocks/latent.ts";
import { denseOrMixture } from "../blocks/mixture.ts";
import { norm } from "../blocks/norm.ts";
import { headOfAll } from "../blocks/predicting-head.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, mul, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { cont, reshape } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** Ling 3: Kimi delta attention, and every few layers latent attention with a gate for each head (`src/models/bailingmoe3.cpp`). */
const bailingMoe3: GraphBuilder = (g) => {
  const embedded = tokenEmbeddings(g);
  const inputs = cacheInputs(g);
  const rows = stateRows(g);
  const delta: KimiDeltaOptions = { decay: "sigmoid", gate: ["ssm_g_a"], keepsWritten: true };
  const x = layers(g, embedded, (x, block) => {
    const il = block.index;
    const normed = norm(g, x, block.weight("attn_norm"), "rms", il);
    const y = g.hp.isRecurrent(il)
      ? kimiDeltaLayer(g, rows, block, normed, delta)
      : gatedLatentAttention(g, inputs, block, normed);
    const z = add(y, x);
    const inner = denseOrMixture(g, block, norm(g, z, block.weight("ffn_norm"), "rms", il), {
      limit: limitOf(g, "swiglu_clamp_exp", il, false),
      denseLimit: limitOf(g, "swiglu_clamp_shexp", il, false),
      unscaled: true,
    });
    return add(inner, z);
  });
  return headOfAll(g, x, { unscaled: true });
};

function gatedLatentAttention(g: GraphContext, inputs: CacheInputs, block: BlockWeights, x: GraphTensor): GraphTensor {
  const il = block.index;
  const { heads, value } = latentSizes(g, il);
  const queried = absorbedHeads(g, block, x, latentQueries(g, block, x));
  const attended = attendLatent(g, inputs.full, il, queried, undefined, { valueUp: block.need("attn_v_b") });
  const gate = unary(reshape(mulMat(block.need("attn_gate"), x), 1, heads, g.tokens));
  const gated = mul(reshape(attended, value, heads, g.tokens), gate);
  return mulMat(block.need("attn_output"), cont(gated, value * heads, g.tokens));
}

export const BAILING_3: Readonly<Record<string, GraphBuilder>> = { bailingmoe3: bailingMoe3 };
