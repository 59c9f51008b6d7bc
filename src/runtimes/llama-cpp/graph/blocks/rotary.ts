import type { GraphContext } from "../context.ts";
import { rope } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { norm } from "./norm.ts";
import type { QueryKeyValue } from "./qkv.ts";

/** What an architecture does to queries and keys before they attend: `[head, heads, tokens]` to the same. */
export type HeadStep = (g: GraphContext, block: BlockWeights, heads: QueryKeyValue) => QueryKeyValue;

export type RotaryOptions = {
  /** The file may have factors of the frequencies. */
  readonly factors?: boolean;
  /** Positions a token has: time, height, width (`n_pos_per_embd`). Default: 1. */
  readonly positionsPerToken?: (g: GraphContext) => number;
  /** Each head of queries and keys is normed, before it is rotated or after. */
  readonly headNorms?: "before" | "after";
  /** Layers that rotate. Default: all. */
  readonly isRotated?: (g: GraphContext, layer: number) => boolean;
};

/** Rotary positions, and norms of single heads around them. */
export function rotary({ factors, positionsPerToken, headNorms, isRotated }: RotaryOptions = {}): HeadStep {
  return (g, block, { q, k, v }) => {
    const positions = g.positions(positionsPerToken?.(g));
    const scaling = factors ? g.rotaryFactors(block.index) : undefined;
    const rotates = isRotated?.(g, block.index) ?? true;
    const step = (x: GraphTensor, name: string): GraphTensor => {
      const normed = (y: GraphTensor): GraphTensor => norm(g, y, block.weight(name), "rms", block.index);
      const y = headNorms === "before" ? normed(x) : x;
      const z = rotates ? rope(y, positions, scaling) : y;
      return headNorms === "after" ? normed(z) : z;
    };
    return { q: step(q, "attn_q_norm"), k: step(k, "attn_k_norm"), v };
  };
}

/** Four positions where the file divides a head among them, otherwise one (`llama_hparams::use_mrope`). */
export function positionsBySections(g: GraphContext): number {
  const sections = [0, 1].map((index) => g.hp.ofLayer("rope.dimension_sections", index, 0));
  return sections.every((elements) => elements > 0) ? 4 : 1;
}
