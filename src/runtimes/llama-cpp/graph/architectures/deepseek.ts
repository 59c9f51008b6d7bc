import { attendCache, attendLatent, cacheInputs } from "../blocks/attention.ts";
import { decoders } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { routingInFile } from "../blocks/experts.ts";
import { dense } from "../blocks/feed-forward.ts";
import { head } from "../blocks/head.ts";
import { absorbedHeads, expandedHeads, isAbsorbed, latentQueries, latentSizes } from "../blocks/latent.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { feedForwardOrExperts } from "../blocks/mixture.ts";
import { norm } from "../blocks/norm.ts";
import { scaled } from "../blocks/projection.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, mul, scale } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { reshape } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** DeepSeek V2 and V3, Kimi K2, GLM 4.7 Flash, Mistral Large 3 (`src/models/deepseek2.cpp`). */
const deepseek2: GraphBuilder = (g) => {
  const absorbs = isAbsorbed(g);
  const inputs = cacheInputs(g);
  const isTempered = g.hp.number("attention.temperature_scale", 0) !== 0;
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const y = norm(g, x, block.weight("attn_norm"), "rms", il);
    const found = (absorbs ? absorbedHeads : expandedHeads)(g, block, y, queriesOf(g, block, y));
    const queried = isTempered ? { ...found, q: mul(found.q, g.queryScales()) } : found;
    const output = block.projection("attn_output");
    const attended = absorbs
      ? attendLatent(g, inputs.full, il, queried, output, { valueUp: block.need("attn_v_b") })
      : attendCache(g, inputs, il, queried, output);
    const z = add(putOut(g, block, attended), putOut(g, block, x));
    const mixed = feedForwardOrExperts(g, block, norm(g, z, block.weight("ffn_norm"), "rms", il), {
      ...routingInFile(g, defaultGating(g)),
      keepsInput: g.hp.architecture === "mistral4",
    });
    return add(mixed, z);
  });
  return head(g, x, { unscaled: true, nextHidden: "put out" });
};

/** Files of GLM 4.7 Flash without the key mean sigmoid, older ones softmax. */
function defaultGating({ hp }: GraphContext): "sigmoid" | "softmax" {
  return (hp.layerCount === 47 || hp.layerCount === 48) && hp.vocabularySize === 154880 ? "sigmoid" : "softmax";
}

/** MiniCPM3: latent attention in full heads, with every part of the sum scaled (`src/models/minicpm3.cpp`). */
const minicpm3: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const x = layers(g, scale(tokenEmbeddings(g)), (x, block) => {
    const il = block.index;
    const y = norm(g, x, block.weight("attn_norm"), "rms", il);
    const factors = g.rotaryFactors(il);
    const queried = expandedHeads(g, block, y, queriesOf(g, block, y), { factors });
    const attended = putOut(g, block, attendCache(g, inputs, il, queried, block.projection("attn_output")));
    const z = add(scale(attended), putOut(g, block, x));
    const inner = dense(g, block, norm(g, z, block.weight("ffn_norm"), "rms", il), "silu");
    return add(scale(inner), z);
  });
  const embedding = norm(g, x, g.weights.find("output_norm.weight"), "rms", -1);
  const logits = scaled(mulMat(g.weights.output(), scale(embedding)), g.weights.find("output.scale"));
  return { embedding, logits: g.expand(logits) };
};

/** Queries by head, `[head, heads, tokens]`. */
function queriesOf(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const { plain, rotated, heads } = latentSizes(g, block.index);
  return reshape(latentQueries(g, block, x), plain + rotated, heads, g.tokens);
}

export const DEEPSEEK: Readonly<Record<string, GraphBuilder>> = {
  ...decoders({
    // src/models/deepseek.cpp
    deepseek: ({ hp }) => ({ mixture: { normalized: false, weightScale: hp.number("expert_weights_scale", 0) } }),
    // src/models/deepseek2.cpp: what it does for src/models/deepseek2ocr.cpp
    "deepseek2-ocr": (g) => ({
      mixture: routingInFile(g, "softmax"),
      head: { nextHidden: "put out", unscaled: true },
    }),
  }),
  deepseek2,
  mistral4: deepseek2,
  minicpm3,
};
