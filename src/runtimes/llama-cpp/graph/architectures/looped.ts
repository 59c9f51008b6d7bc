import { tokenEmbeddings } from "../blocks/embedding.ts";
import { dense } from "../blocks/feed-forward.ts";
import { head } from "../blocks/head.ts";
import { modelNorm, norm } from "../blocks/norm.ts";
import { scaled } from "../blocks/projection.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import { residualLayer } from "../blocks/residual.ts";
import { type Attender, cacheAttender, rotatedHeads, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import { getRows, mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";

/*
 * Models that go through their layers several times. Each pass of a layer has a cache and a device of its own, numbered by
 * pass; its weights are those of the layer that the file has.
 */

/** Nanbeige: all layers again, with the last norm between two loops (`src/models/nanbeige.cpp`). */
const nanbeige: GraphBuilder = (g) => {
  const attend = cacheAttender(g);
  const loops = g.hp.number("num_loops", 1);
  const stored = g.hp.layerCount / loops;
  const normsBetween = loops > 1 && !g.hp.flag("skip_loop_final_norm", false);
  let x = tokenEmbeddings(g);
  for (let pass = 0; pass < g.hp.layerCount; pass++) {
    const block = g.block(pass, undefined, pass % stored);
    const factors = g.rotaryFactors(pass % stored);
    x = residualLayer(g, block, x, {
      attention: (y) => {
        const queried = rotatedHeads(g, queryKeyValue(g, block, y), factors);
        return attend(pass, queried, block.projection("attn_output"));
      },
      feedForward: (y) => dense(g, block, y, "silu", { scaled: true }),
    });
    const endsLoop = (pass + 1) % stored === 0 && pass + 1 < g.hp.layerCount;
    if (normsBetween && endsLoop) x = modelNorm(g, "output_norm", x, "rms", pass);
  }
  return head(g, x);
};

/** HRM: a low stack several times, then a high one, and that again; each reads the sum of both (`src/models/hrm-text.cpp`). */
const hrmText: GraphBuilder = (g) => {
  const attend = cacheAttender(g);
  const size = g.hp.number("hrm.layers_per_stack", 1);
  const cycles = g.hp.number("hrm.h_cycles", 1);
  const lowCycles = g.hp.number("hrm.l_cycles", 1);
  let pass = 0;
  const stack = (x: GraphTensor, stored: number): GraphTensor => {
    const first = pass;
    pass += size;
    return layersOfStack(g, attend, x, { first, size, stored });
  };
  let high = tokenEmbeddings(g, { scaled: g.hp.number("embedding_scale", 0) !== 0 });
  let low = g.weights.get("hrm.z_l_init");
  for (let cycle = 0; cycle < cycles; cycle++) {
    for (let lowCycle = 0; lowCycle < lowCycles; lowCycle++) low = stack(add(high, low), 0);
    high = stack(add(high, low), size);
  }
  const embedding = getRows(high, g.outputRows());
  const product = mulMat(g.weights.output(), embedding);
  return { embedding, logits: g.expand(scaled(product, g.weights.find("output.scale"))) };
};

/** One pass: its first number, and the block its layers are stored from. */
type Pass = { readonly first: number; readonly size: number; readonly stored: number };

/** Layers with a gate on their attention, and norms without weights. */
function layersOfStack(g: GraphContext, attend: Attender, input: GraphTensor, pass: Pass): GraphTensor {
  let x = input;
  for (let layer = 0; layer < pass.size; layer++) {
    const il = pass.first + layer;
    const block = g.block(il, undefined, pass.stored + layer);
    const normed = norm(g, x, undefined, "rms", il);
    const y = add(selfAttention(g, block, normed, attend), x);
    x = add(dense(g, block, norm(g, y, undefined, "rms", il), "silu"), y);
  }
  return norm(g, x, undefined, "rms", pass.first);
}

export const LOOPED: Readonly<Record<string, GraphBuilder>> = { nanbeige, hrm_text: hrmText };
