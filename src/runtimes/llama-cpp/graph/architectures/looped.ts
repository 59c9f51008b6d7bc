import { attendCache, type CacheInputs, cacheInputs } from "../blocks/attention.ts";
import { head, putOut } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { denseParts, feedForward, withoutScales } from "../blocks/feed-forward.ts";
import { norm } from "../blocks/norm.ts";
import { project, scaled } from "../blocks/projection.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, mul, rope, unary } from "../ops/elementwise.ts";
import { getRows, mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";

/*
 * Models that go through their layers several times. Each pass of a layer has a cache and a device of its own, numbered by
 * pass; its weights are those of the layer that the file has.
 */

/** Nanbeige: all layers again, with the last norm between two loops (`src/models/nanbeige.cpp`). */
const nanbeige: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const loops = g.hp.number("num_loops", 1);
  const stored = g.hp.layerCount / loops;
  const normsBetween = loops > 1 && !g.hp.flag("skip_loop_final_norm", false);
  let x = tokenEmbeddings(g);
  for (let pass = 0; pass < g.hp.layerCount; pass++) {
    const block = g.block(pass, undefined, pass % stored);
    const { q, k, v } = queryKeyValue(g, block, norm(g, x, block.weight("attn_norm"), "rms", pass));
    const factors = g.rotaryFactors(pass % stored);
    const queried = { q: rope(q, g.positions(), factors), k: rope(k, g.positions(), factors), v };
    const attended = attendCache(g, inputs, pass, queried, block.projection("attn_output"));
    const y = add(putOut(g, block, attended), putOut(g, block, x));
    x = add(feedForward(norm(g, y, block.weight("ffn_norm"), "rms", pass), denseParts(block), "silu"), y);
    const endsLoop = (pass + 1) % stored === 0 && pass + 1 < g.hp.layerCount;
    if (normsBetween && endsLoop) x = norm(g, x, g.weights.find("output_norm.weight"), "rms", pass);
  }
  return head(g, x);
};

/** HRM: a low stack several times, then a high one, and that again; each reads the sum of both (`src/models/hrm-text.cpp`). */
const hrmText: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const size = g.hp.number("hrm.layers_per_stack", 1);
  const cycles = g.hp.number("hrm.h_cycles", 1);
  const lowCycles = g.hp.number("hrm.l_cycles", 1);
  let pass = 0;
  const stack = (x: GraphTensor, stored: number): GraphTensor => {
    const first = pass;
    pass += size;
    return layersOfStack(g, inputs, x, { first, size, stored });
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
function layersOfStack(g: GraphContext, inputs: CacheInputs, input: GraphTensor, pass: Pass): GraphTensor {
  let x = input;
  for (let layer = 0; layer < pass.size; layer++) {
    const il = pass.first + layer;
    const block = g.block(il, undefined, pass.stored + layer);
    const normed = norm(g, x, undefined, "rms", il);
    const gate = unary(mulMat(block.need("attn_gate"), normed));
    const { q, k, v } = queryKeyValue(g, block, normed);
    const queried = { q: rope(q, g.positions()), k: rope(k, g.positions()), v };
    const attended = mul(attendCache(g, inputs, il, queried, undefined), gate);
    const y = add(project(block.projection("attn_output"), attended), x);
    x = add(feedForward(norm(g, y, undefined, "rms", il), withoutScales(denseParts(block)), "silu"), y);
  }
  return norm(g, x, undefined, "rms", pass.first);
}

export const LOOPED: Readonly<Record<string, GraphBuilder>> = { nanbeige, hrm_text: hrmText };
