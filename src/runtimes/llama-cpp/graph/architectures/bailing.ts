import { attendLatent, type CacheInputs, cacheInputs } from "../blocks/attention.ts";
import { type DecoderForm, decoders } from "../blocks/decoder.ts";
import { routingInFile } from "../blocks/experts.ts";
import { type KimiDeltaOptions, kimiDeltaLayer } from "../blocks/kimi-delta.ts";
import { absorbedHeads, latentQueries, latentSizes } from "../blocks/latent.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { mul, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { cont, reshape } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** Ling 3: Kimi delta attention, and every few layers latent attention with a gate for each head (`src/models/bailingmoe3.cpp`). */
function bailingMoe3(g: GraphContext): DecoderForm {
  const inputs = cacheInputs(g);
  const rows = stateRows(g);
  const delta: KimiDeltaOptions = { decay: "sigmoid", gate: ["ssm_g_a"], keepsWritten: true };
  return {
    attention: (block, x) =>
      g.hp.isRecurrent(block.index)
        ? kimiDeltaLayer(g, rows, block, x, delta)
        : gatedLatentAttention(g, inputs, block, x),
    dropsTokens: "never",
    mixture: routingInFile(g, "softmax"),
    head: { unscaled: true, nextHidden: "after norm" },
  };
}

function gatedLatentAttention(g: GraphContext, inputs: CacheInputs, block: BlockWeights, x: GraphTensor): GraphTensor {
  const il = block.index;
  const { heads, value } = latentSizes(g, il);
  const queried = absorbedHeads(g, block, x, latentQueries(g, block, x));
  const attended = attendLatent(g, inputs.full, il, queried, undefined, { valueUp: block.need("attn_v_b") });
  const gate = unary(reshape(mulMat(block.need("attn_gate"), x), 1, heads, g.tokens));
  const gated = mul(reshape(attended, value, heads, g.tokens), gate);
  return mulMat(block.need("attn_output"), cont(gated, value * heads, g.tokens));
}

/** Ling, each `src/models/<its name>.cpp`. */
export const BAILING: Readonly<Record<string, GraphBuilder>> = decoders({
  bailingmoe: (g) => ({ mixture: { ...routingInFile(g, "softmax"), gating: "softmax" } }),
  bailingmoe2: (g) => ({ mixture: routingInFile(g, "softmax") }),
  bailingmoe3: bailingMoe3,
});
