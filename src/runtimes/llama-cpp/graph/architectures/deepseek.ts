import { attendCache, attendLatent, cacheInputs } from "../blocks/attention.ts";
import { head, layers, putOut } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { bareParts, feedForward } from "../blocks/feed-forward.ts";
import { absorbedHeads, expandedHeads, isAbsorbed, latentQueries, latentSizes } from "../blocks/latent.ts";
import { denseOrMixture } from "../blocks/mixture.ts";
import { norm } from "../blocks/norm.ts";
import { scaled } from "../blocks/projection.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, mul, scale } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { reshape } from "../ops/shapes.ts";
import { F32, type GraphTensor, inputTensor } from "../tensor.ts";
import type { BlockWeights, Projection } from "../weights.ts";

/** DeepSeek V2 and V3, Kimi K2, GLM 4.7 Flash, Mistral Large 3 (`src/models/deepseek2.cpp`). */
const deepseek2: GraphBuilder = (g) => {
  const absorbs = isAbsorbed(g);
  const inputs = cacheInputs(g);
  // Queries far into the context are made longer (`build_inp_attn_scale`).
  const temperatures =
    g.hp.number("attention.temperature_scale", 0) === 0 ? undefined : inputTensor(F32, [1, 1, g.tokens]);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const y = norm(g, x, block.weight("attn_norm"), "rms", il);
    const found = (absorbs ? absorbedHeads : expandedHeads)(g, block, y, queriesOf(g, block, y));
    const queried = temperatures === undefined ? found : { ...found, q: mul(found.q, temperatures) };
    const output = outputOf(block);
    const attended = absorbs
      ? attendLatent(g, inputs.full, il, queried, output, { valueUp: block.need("attn_v_b") })
      : attendCache(g, inputs, il, queried, output);
    const z = add(putOut(g, block, attended), putOut(g, block, x));
    const mixed = denseOrMixture(g, block, norm(g, z, block.weight("ffn_norm"), "rms", il), {
      gating: defaultGating(g),
      unscaled: true,
      keepsInput: g.hp.architecture === "mistral4",
    });
    return add(mixed, z);
  });
  const result = head(g, x, { unscaled: true });
  return { ...result, nextHidden: result.embedding };
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
    const attended = putOut(g, block, attendCache(g, inputs, il, queried, outputOf(block)));
    const z = add(scale(attended), putOut(g, block, x));
    const inner = feedForward(norm(g, z, block.weight("ffn_norm"), "rms", il), bareParts(block), "silu");
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

/** The output matrix of an attention, whose bias the engine does not ask for. */
function outputOf(block: BlockWeights): Projection {
  return { ...block.projection("attn_output"), bias: undefined };
}

export const DEEPSEEK: Readonly<Record<string, GraphBuilder>> = { deepseek2, mistral4: deepseek2, minicpm3 };
