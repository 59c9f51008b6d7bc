import type { GraphTensor } from "./tensor.ts";

/** Architectures whose sums exceed 16 bits (llama.cpp 0.5.0 `src/llama-graph.cpp:1927`, `:2907`). */
const ARCHITECTURES: ReadonlySet<string> = new Set(["glm4", "glm4moe", "jais2"]);

/** The matrices that put out attention and dense blocks. */
const MATRICES = /\.(?:attn_output|ffn_down(?:_shexp)?)\.weight$/;

/** Marks the products of a graph that are summed in 32 bits, whatever the type of their matrix. */
export function keepSums(architecture: string | null, nodes: readonly GraphTensor[]): void {
  if (!ARCHITECTURES.has(architecture ?? "")) return;
  for (const node of nodes) {
    if (node.operation === "MUL_MAT" && MATRICES.test(node.sources[0]?.name ?? "")) node.keepsSums = true;
  }
}
