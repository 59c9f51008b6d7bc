import type { GraphTensor } from "./graph/tensor.ts";

/** Nothing else reads these nodes, but for those that stay (llama.cpp 0.5.0 `ggml/src/ggml.c:7760`, ggml_can_fuse_subgraph_ext). */
export function isAlone(nodes: readonly GraphTensor[], staying: readonly GraphTensor[]): boolean {
  return nodes.every((node, index) => {
    if (staying.includes(node)) return true;
    const readers = nodes
      .slice(index + 1)
      .reduce((sum, { sources }) => sum + sources.filter((each) => each === node).length, 0);
    const looksInside =
      node.viewOf === undefined || node.viewOf.storage?.holdsWeights === true || nodes.includes(node.viewOf);
    return node.flags === 0 && readers === node.uses && looksInside;
  });
}

/** Views of one tensor and their sum, one after the other: `((first + second) + third) + …`. */
export function addUp(whole: GraphTensor, views: readonly GraphTensor[], sums: readonly GraphTensor[]): boolean {
  return (
    views.every(({ sources, viewOf }) => sources[0] === whole && viewOf === whole) &&
    sums.every(({ sources: [left, right] }, index) => {
      return left === (index === 0 ? views[0] : sums[index - 1]) && right === views[index + 1];
    })
  );
}
