import { pooled } from "./blocks/pooling.ts";
import { type FusedNode, type GraphBatch, type GraphBuilder, GraphContext, type GraphSubject } from "./context.ts";
import { type GraphTensor, OUTPUT } from "./tensor.ts";
import { keepSums } from "./wide-sums.ts";

/** Nodes in the order they are computed, and the leafs they start from. */
export type DrawnGraph = {
  readonly nodes: readonly GraphTensor[];
  readonly leafs: readonly GraphTensor[];
  readonly fused: readonly FusedNode[];
};

/** Draws the graph of a batch (llama.cpp 0.5.0 `src/llama-model.cpp`, `llama_model::build_graph`). */
export function drawGraph(subject: GraphSubject, batch: GraphBatch, builder: GraphBuilder): DrawnGraph {
  const g = new GraphContext(subject, batch);
  const result = builder(g);
  const last = subject.settings.embeddings && result.embedding !== undefined ? pooled(g, result.embedding) : undefined;
  // What is read after the graph has run keeps its memory to itself (`llm_graph_result::set_outputs`).
  for (const tensor of [result.logits, result.embedding, last, result.nextHidden]) {
    if (tensor !== undefined) tensor.flags |= OUTPUT;
    if (tensor?.viewOf !== undefined) tensor.viewOf.flags |= OUTPUT;
  }
  keepSums(subject.model.architecture, g.graph.nodes);
  if (subject.placement.gpus.some(({ kind }) => kind === "metal")) {
    g.caches.arrange();
    if (g.graph.nodes.some(({ viewOf }) => viewOf?.storage?.holdsWeights)) g.weights.arrange();
  }
  return { nodes: g.graph.nodes, leafs: g.graph.leafs, fused: g.fusedNodes };
}
