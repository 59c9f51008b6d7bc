import type { GraphTensor } from "./tensor.ts";

/** Nodes in the order they are computed, and the leafs they start from, in the order they were met. */
export class ComputeGraph {
  readonly nodes: GraphTensor[] = [];
  readonly leafs: GraphTensor[] = [];

  /**
   * Adds a tensor and all that it is computed from, sources first and from left to right (llama.cpp 0.5.0
   * `ggml/src/ggml.c:7236`, `ggml_build_forward_expand`). Gives it back.
   */
  expand(tensor: GraphTensor): GraphTensor {
    if (tensor.isMet) return tensor;
    tensor.isMet = true;
    for (const source of tensor.sources) this.expand(source).uses += 1;
    (tensor.operation === "NONE" ? this.leafs : this.nodes).push(tensor);
    return tensor;
  }
}
