import { bidirectionalLayers } from "../blocks/bidirectional.ts";
import { head } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts } from "../blocks/experts.ts";
import { bareParts, feedForward } from "../blocks/feed-forward.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import { rotary } from "../blocks/rotary.ts";
import type { GraphBuilder } from "../context.ts";

/** How one of these models differs from the others. */
type Diffusion = {
  /** Queries and keys are normed by head. */
  readonly normsHeads?: boolean;
  /** The bias of attention's output is read. */
  readonly outputBias?: boolean;
  /** Experts in every layer, whose weights are made to sum to 1 or not. */
  readonly experts?: { readonly normalized: boolean };
};

const MODELS: Readonly<Record<string, Diffusion>> = {
  /** `src/models/dream.cpp` */
  dream: { outputBias: true },
  /** `src/models/llada.cpp` */
  llada: {},
  /** `src/models/llada-moe.cpp` */
  "llada-moe": { normsHeads: true, experts: { normalized: false } },
  /** `src/models/rnd1.cpp` */
  rnd1: { normsHeads: true, outputBias: true, experts: { normalized: true } },
};

/** Decoders that look both ways and fill in masked tokens: those of Qwen and LLaMA, without a cache. */
function diffusion({ normsHeads = false, outputBias = false, experts: mixture }: Diffusion): GraphBuilder {
  const positioned = rotary(normsHeads ? { headNorms: "before" } : {});
  return (g) => {
    const x = bidirectionalLayers(g, tokenEmbeddings(g), {
      kind: "rms",
      heads: (block, x) => positioned(g, block, queryKeyValue(g, block, x)),
      output: (block) => {
        const output = block.projection("attn_output");
        return outputBias ? output : { ...output, bias: undefined };
      },
      mixed: (block, x) => {
        if (mixture === undefined) return feedForward(x, bareParts(block), "silu");
        const { normalized } = mixture;
        return experts(g, block, x, {
          gating: "softmax",
          activation: "silu",
          normalized,
          unbiased: true,
          unscaled: true,
        });
      },
    });
    return head(g, x);
  };
}

export const DIFFUSION: Readonly<Record<string, GraphBuilder>> = Object.fromEntries(
  Object.entries(MODELS).map(([name, model]) => [name, diffusion(model)]),
);
