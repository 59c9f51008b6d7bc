import { attendCache, attendLatent, cacheInputs } from "../blocks/attention.ts";
import { type DecoderForm, decoders } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { routingInFile } from "../blocks/experts.ts";
import { dense } from "../blocks/feed-forward.ts";
import { absorbedHeads, expandedHeads, isAbsorbed, latentQueries, latentSizes } from "../blocks/latent.ts";
import { layers } from "../blocks/layers.ts";
import { modelNorm } from "../blocks/norm.ts";
import { scaled } from "../blocks/projection.ts";
import { type ResidualParts, residualLayer } from "../blocks/residual.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { mul, scale } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { reshape } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** Whose experts read what is in 32 bits (`ggml_prec_set_src`). */
const KEEPS_INPUT: ReadonlySet<string> = new Set(["mistral4"]);

/** DeepSeek V2 and V3, Kimi K2, GLM 4.7 Flash, Mistral Large 3 (`src/models/deepseek2.cpp`). */
function deepseek2(g: GraphContext): DecoderForm {
  const absorbs = isAbsorbed(g);
  const inputs = cacheInputs(g);
  const isTempered = g.hp.number("attention.temperature_scale", 0) !== 0;
  return {
    attention: (block, x) => {
      const il = block.index;
      const found = (absorbs ? absorbedHeads : expandedHeads)(g, block, x, queriesOf(g, block, x));
      const queried = isTempered ? { ...found, q: mul(found.q, g.queryScales()) } : found;
      const output = block.projection("attn_output");
      return absorbs
        ? attendLatent(g, inputs.full, il, queried, output, { valueUp: block.need("attn_v_b") })
        : attendCache(g, inputs, il, queried, output);
    },
    mixture: { ...routingInFile(g, defaultGating(g)), keepsInput: KEEPS_INPUT.has(g.hp.architecture) },
    head: { unscaled: true, nextHidden: "put out" },
  };
}

/** Files of GLM 4.7 Flash without the key mean sigmoid, older ones softmax. */
function defaultGating({ hp }: GraphContext): "sigmoid" | "softmax" {
  return (hp.layerCount === 47 || hp.layerCount === 48) && hp.vocabularySize === 154880 ? "sigmoid" : "softmax";
}

/** MiniCPM3: latent attention in full heads, with every part of the sum scaled (`src/models/minicpm3.cpp`). */
const minicpm3: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const x = layers(g, scale(tokenEmbeddings(g)), (x, block) => {
    const parts: ResidualParts = {
      attention: (y) => {
        const factors = g.rotaryFactors(block.index);
        const queried = expandedHeads(g, block, y, queriesOf(g, block, y), { factors });
        return attendCache(g, inputs, block.index, queried, block.projection("attn_output"));
      },
      feedForward: (y) => dense(g, block, y, "silu"),
    };
    return residualLayer(g, block, x, parts, { scalesParts: true });
  });
  const embedding = modelNorm(g, "output_norm", x);
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
    deepseek2,
    mistral4: deepseek2,
  }),
  minicpm3,
};
