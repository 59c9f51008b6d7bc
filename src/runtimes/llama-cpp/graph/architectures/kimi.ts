import { attendLatent, type CacheInputs, cacheInputs } from "../blocks/attention.ts";
import { crossLayerResidual } from "../blocks/cross-layer-residual.ts";
import { type DecoderForm, decoder } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts, routingInFile, situ } from "../blocks/experts.ts";
import { head } from "../blocks/head.ts";
import { type KimiDeltaOptions, kimiDeltaLayer } from "../blocks/kimi-delta.ts";
import { absorbedHeads, latentQueries } from "../blocks/latent.ts";
import { layers } from "../blocks/layers.ts";
import { norm, normOf } from "../blocks/norm.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, mul, unary } from "../ops/elementwise.ts";
import { getRows, mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** Kimi Linear: Kimi delta attention, and every few layers latent attention without positions (`src/models/kimi-linear.cpp`). */
function kimiLinear(g: GraphContext): DecoderForm {
  const inputs = cacheInputs(g);
  const rows = stateRows(g);
  const delta: KimiDeltaOptions = {
    decay: "softplus",
    gate: ["ssm_g_a", "ssm_g_b"],
    reshapesGate: true,
    joinsStates: true,
  };
  return {
    attention: (block, x) => {
      g.expand(x);
      if (g.hp.isRecurrent(block.index)) return kimiDeltaLayer(g, rows, block, x, delta);
      const queried = absorbedHeads(g, block, x, mulMat(block.need("attn_q"), x), { unrotated: true });
      const options = { valueUp: block.need("attn_v_b") };
      return attendLatent(g, inputs.full, block.index, queried, block.projection("attn_output"), options);
    },
    mixture: { ...routingInFile(g, "softmax"), normalized: true },
    head: { unscaled: true },
  };
}

/**
 * Kimi K3: the same with a gate on latent attention, experts in a latent space, and layers that read what layers before
 * them gave (`src/models/kimi-k3.cpp`).
 */
const kimiK3: GraphBuilder = (g) => {
  const embedded = tokenEmbeddings(g);
  const inputs = cacheInputs(g);
  const rows = stateRows(g);
  const isBounded = g.hp.key("kda.gate_lower_bound") !== undefined;
  const delta: KimiDeltaOptions = {
    decay: isBounded ? "negated-sigmoid" : "softplus",
    gate: ["ssm_g"],
    reshapesGate: true,
  };
  const blockSize = g.hp.number("attn_res.block_size", 0);
  const residual = crossLayerResidual(g, blockSize);
  const x = layers(g, embedded, (x, block) => {
    const il = block.index;
    const mixed = residual.mixed(x, block.weight("attn_res_score"));
    const isKept = blockSize > 0 && il % blockSize === 0;
    if (isKept) residual.keep(x);
    const normed = g.expand(normOf(g, block, "attn_norm", mixed));
    const y = g.hp.isRecurrent(il)
      ? kimiDeltaLayer(g, rows, block, normed, delta)
      : gatedLatentAttention(g, inputs, block, normed);
    const z = isKept ? y : add(x, y);
    const inner = normOf(g, block, "ffn_norm", residual.mixed(z, block.weight("ffn_res_score")));
    return add(z, denseOrLatentExperts(g, block, inner));
  });
  const last = getRows(residual.mixed(x, g.weights.find("output_res_score.weight")), g.outputRows());
  return head(g, last, { unscaled: true });
};

function gatedLatentAttention(g: GraphContext, inputs: CacheInputs, block: BlockWeights, x: GraphTensor): GraphTensor {
  const queried = absorbedHeads(g, block, x, latentQueries(g, block, x), { unrotated: true });
  const attended = attendLatent(g, inputs.full, block.index, queried, undefined, { valueUp: block.need("attn_v_b") });
  const gate = block.weight("attn_gate");
  const gated = gate === undefined ? attended : mul(attended, unary(mulMat(gate, x)));
  return mulMat(block.need("attn_output"), gated);
}

/** The experts that tokens are given to work in a latent space, the one they share does not. */
function denseOrLatentExperts(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const { hp } = g;
  const il = block.index;
  const boundsUp = hp.number("activation.situ_linear_beta", 0) > 0;
  const dense = (name: string): GraphTensor => {
    const gate = mulMat(block.need(`ffn_gate${name}`), x);
    const up = mulMat(block.need(`ffn_up${name}`), x);
    return mulMat(block.need(`ffn_down${name}`), situ(gate, up, boundsUp));
  };
  if (il < hp.number("leading_dense_block_count", 0)) return dense("");
  const down = block.weight("ffn_routed_down");
  const up = block.weight("ffn_routed_up");
  const latentNorm = block.weight("ffn_routed_norm");
  const chosen = experts(g, block, down === undefined ? x : mulMat(down, x), {
    ...routingInFile(g, "softmax"),
    activation: "situ",
    boundsUp,
    probabilities: mulMat(block.need("ffn_gate_inp"), x),
  });
  const normed = latentNorm === undefined ? chosen : norm(g, chosen, latentNorm, "rms", il);
  const mixed = up === undefined ? normed : mulMat(up, normed);
  return block.weight("ffn_gate_shexp") === undefined ? mixed : add(mixed, dense("_shexp"));
}

export const KIMI: Readonly<Record<string, GraphBuilder>> = {
  "kimi-linear": decoder(kimiLinear),
  "kimi-k3": kimiK3,
};
