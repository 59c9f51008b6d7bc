import { pooled } from "./blocks/pooling.ts";
import { type FusedNode, type GraphBatch, type GraphBuilder, GraphContext, type GraphSubject } from "./context.ts";
import { type GraphTensor, OUTPUT, withinTensors } from "./tensor.ts";
import { keepSums } from "./wide-sums.ts";

/** Nodes in the order they are computed, and the leafs they start from. */
export type DrawnGraph = {
  readonly nodes: readonly GraphTensor[];
  readonly leafs: readonly GraphTensor[];
  readonly fused: readonly FusedNode[];
};

/** Tensors of a graph at most, for each of the model and in all (`graph_max_nodes`, `src/llama-context.cpp:2365`). */
const MOST_PER_WEIGHT = 64;
const MOST_AT_LEAST = 16_384;

/** Draws the graph of a batch (llama.cpp 0.5.0 `src/llama-model.cpp`, `llama_model::build_graph`). */
export function drawGraph(subject: GraphSubject, batch: GraphBatch, builder: GraphBuilder): DrawnGraph {
  const most = Math.max(MOST_AT_LEAST, MOST_PER_WEIGHT * subject.model.tensors.length);
  return withinTensors(most, () => drawn(new GraphContext(subject, batch), builder));
}

function drawn(g: GraphContext, builder: GraphBuilder): DrawnGraph {
  const { subject } = g;
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
