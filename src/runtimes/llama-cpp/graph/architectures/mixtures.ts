import { attendCache, cacheInputs, type Queried } from "../blocks/attention.ts";
import { head, layers, putOut } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts, type Gating, gatingOf } from "../blocks/experts.ts";
import { denseParts, feedForward, withoutScales } from "../blocks/feed-forward.ts";
import { type NormKind, norm } from "../blocks/norm.ts";
import { scaled } from "../blocks/projection.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import { positionsBySections } from "../blocks/rotary.ts";
import { type SharedExpert, withSharedExpert } from "../blocks/shared-expert.ts";
import type { GraphBuilder, GraphContext, GraphResult } from "../context.ts";
import { add, rope, scale } from "../ops/elementwise.ts";
import { getRows, mulMat } from "../ops/products.ts";
import { reshape } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** How mixtures of experts differ that are otherwise decoders like Llama. */
type Design = {
  readonly kind?: NormKind;
  /** Name of the norm before the experts. */
  readonly secondNorm?: string;
  /** Queries and keys are normed with all heads in one row, not each head by itself. */
  readonly normsWholeRows?: boolean;
  /** Router's function, where the file does not say, or what the architecture fixes. */
  readonly gating?: { readonly fixed: Gating } | { readonly otherwise: Gating };
  /** Weights of the chosen experts sum to 1: always, never, or as the file says (`expert_weights_norm`). */
  readonly normalized: boolean | "as the file says";
  /** They are multiplied with a number of the file (`expert_weights_scale`). */
  readonly weighted?: boolean;
  readonly shared?: SharedExpert;
  /** Scales of the matrices in the feed-forward that are read. */
  readonly scales?: "all" | "experts" | "none";
  /** What stands in the place of the usual experts. */
  readonly mix?: (g: GraphContext, block: BlockWeights, x: GraphTensor, design: Design) => GraphTensor;
  readonly output?: Output;
  /** Tokens have four positions where the file has sections of the rotation for images (`use_mrope`). */
  readonly inSections?: boolean;
};

/** What the last norm gives is kept for blocks that predict further tokens; rows are put out before or after it. */
type Output = { readonly keepsHidden: boolean; readonly afterNorm?: boolean; readonly unscaled?: boolean };

function mixture(design: Design): GraphBuilder {
  const { kind = "rms", secondNorm = "ffn_norm", output } = design;
  const putsOutLate = output?.afterNorm === true;
  return (g) => {
    const inputs = cacheInputs(g);
    const x = layers(g, tokenEmbeddings(g), (x, block) => {
      const il = block.index;
      const chosen = (y: GraphTensor): GraphTensor => (putsOutLate ? y : putOut(g, block, y));
      const queried = rotatedHeads(g, block, norm(g, x, block.weight("attn_norm"), kind, il), design);
      const attended = attendCache(g, inputs, il, queried, block.projection("attn_output"));
      const y = add(chosen(attended), chosen(x));
      return add(mixed(g, block, norm(g, y, block.weight(secondNorm), kind, il), design), y);
    });
    return output === undefined ? head(g, x, { kind }) : keepingHead(g, x, output);
  };
}

/** Rotated queries and keys, normed before where the model has norms of them. */
function rotatedHeads(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  { normsWholeRows, inSections }: Design,
): Queried {
  const { hp, tokens } = g;
  const il = block.index;
  const whole = normsWholeRows === true;
  const { q, k, v } = queryKeyValue(g, block, x, { whole });
  const cut = (y: GraphTensor, heads: number): GraphTensor => (whole ? reshape(y, hp.keyDim(il), heads, tokens) : y);
  const normed = (y: GraphTensor, name: string): GraphTensor => {
    const weight = block.weight(name);
    return weight === undefined ? y : norm(g, y, weight, "rms", il);
  };
  const perToken = inSections ? positionsBySections(g) : 1;
  const rotated = (y: GraphTensor): GraphTensor => rope(y, g.positions(perToken), g.rotaryFactors(il));
  return {
    q: rotated(cut(normed(q, "attn_q_norm"), hp.heads(il))),
    k: rotated(cut(normed(k, "attn_k_norm"), hp.kvHeads(il))),
    v: cut(v, hp.kvHeads(il)),
  };
}

/** The experts, or in layers without a router a dense block. */
function mixed(g: GraphContext, block: BlockWeights, x: GraphTensor, design: Design): GraphTensor {
  const { scales = "none", shared = "none", mix = chosenExperts } = design;
  if (block.weight("ffn_gate_inp") === undefined) {
    return feedForward(x, scales === "all" ? denseParts(block) : withoutScales(denseParts(block)), "silu");
  }
  return withSharedExpert(block, x, mix(g, block, x, design), shared, scales !== "all");
}

function chosenExperts(g: GraphContext, block: BlockWeights, x: GraphTensor, design: Design): GraphTensor {
  const { gating = { fixed: "softmax" }, normalized, weighted = false, scales = "none" } = design;
  return experts(g, block, x, {
    gating: "fixed" in gating ? gating.fixed : gatingOf(g, gating.otherwise),
    activation: "silu",
    normalized: normalized === "as the file says" ? g.hp.flag("expert_weights_norm", false) : normalized,
    weightScale: weighted ? g.hp.number("expert_weights_scale", 0) : 0,
    unscaled: scales === "none",
  });
}

function keepingHead(g: GraphContext, x: GraphTensor, { keepsHidden, afterNorm, unscaled }: Output): GraphResult {
  const hidden = norm(g, x, g.weights.find("output_norm.weight"), "rms", -1);
  const embedding = afterNorm ? getRows(hidden, g.outputRows()) : hidden;
  const product = mulMat(g.weights.output(), embedding);
  const logits = g.expand(unscaled ? product : scaled(product, g.weights.find("output.scale")));
  return keepsHidden ? { embedding, logits, nextHidden: hidden } : { embedding, logits };
}

/** A dense block for each token, and beside it experts that read what went into the attention (`src/models/arctic.cpp`). */
const arctic: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const design: Design = { normalized: true };
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const queried = rotatedHeads(g, block, norm(g, x, block.weight("attn_norm"), "rms", il), design);
    const before = putOut(g, block, x);
    const y = add(putOut(g, block, attendCache(g, inputs, il, queried, block.projection("attn_output"))), before);
    const dense = feedForward(
      norm(g, y, block.weight("ffn_norm"), "rms", il),
      withoutScales(denseParts(block)),
      "silu",
    );
    // The dense block is expanded last, as it is added to what the experts gave.
    const sum = add(dense, y);
    const given = norm(g, before, block.weight("ffn_norm_exps"), "rms", il);
    return add(chosenExperts(g, block, given, design), sum);
  });
  return head(g, x);
};

/** Experts, and after them smaller ones that groups of experts share (`src/models/grovemoe.cpp`). */
function groupedExperts(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const expertCount = g.hp.expertCount();
  const perGroup = g.hp.number("experts_per_group", 1);
  const groups = Math.floor(expertCount / perGroup);
  const common = {
    gating: "softmax",
    activation: "silu",
    normalized: true,
    unscaled: true,
    chosenBy: "sigmoid",
    probabilities: mulMat(block.need("ffn_gate_inp"), x),
  } as const;
  const first = experts(g, block, x, common);
  const second = experts(g, block, first, {
    ...common,
    name: "chexps",
    expertCount: groups,
    used: Math.min(groups, g.hp.expertsUsed()),
    ...(groups === expertCount ? {} : { sharedBy: perGroup }),
  });
  return add(first, scale(second));
}

const asTheFileSays = { normalized: "as the file says", weighted: true, shared: "added" } as const;
const softmaxUnlessSaid = { gating: { otherwise: "softmax" } } as const;
const sigmoidUnlessSaid = { gating: { otherwise: "sigmoid" } } as const;

const DESIGNS: Readonly<Record<string, Design>> = {
  // src/models/qwen2moe.cpp
  qwen2moe: { normalized: false, shared: "weighted" },
  // src/models/qwen3moe.cpp
  qwen3moe: { normalized: true, scales: "experts" },
  // src/models/olmoe.cpp
  olmoe: { normalized: false, normsWholeRows: true },
  // src/models/minimax-m2.cpp
  "minimax-m2": { normalized: true, normsWholeRows: true, ...softmaxUnlessSaid },
  // src/models/dbrx.cpp
  dbrx: { normalized: true, kind: "layer", secondNorm: "attn_output_norm" },
  // src/models/deepseek.cpp
  deepseek: { normalized: false, weighted: true, shared: "added" },
  // src/models/bailingmoe.cpp
  bailingmoe: asTheFileSays,
  // src/models/bailingmoe2.cpp
  bailingmoe2: { ...asTheFileSays, ...softmaxUnlessSaid },
  // src/models/dots1.cpp
  dots1: { ...asTheFileSays, ...softmaxUnlessSaid },
  // src/models/deepseek2.cpp: what it does for src/models/deepseek2ocr.cpp
  "deepseek2-ocr": { ...asTheFileSays, ...softmaxUnlessSaid, output: { keepsHidden: true, unscaled: true } },
  // src/models/glm4-moe.cpp
  glm4moe: {
    ...asTheFileSays,
    ...sigmoidUnlessSaid,
    secondNorm: "post_attention_norm",
    inSections: true,
    output: { keepsHidden: true },
  },
  // src/models/hy-v3.cpp
  hy_v3: { ...asTheFileSays, ...sigmoidUnlessSaid, scales: "all", output: { keepsHidden: true, afterNorm: true } },
  // src/models/grovemoe.cpp
  grovemoe: { normalized: true, mix: groupedExperts },
};

export const MIXTURES: Readonly<Record<string, GraphBuilder>> = {
  arctic,
  ...Object.fromEntries(Object.entries(DESIGNS).map(([name, design]) => [name, mixture(design)])),
};
