import type { DrawnGraph } from "../../../src/runtimes/llama-cpp/graph/draw.ts";
import { type GraphTensor, INPUT, OUTPUT } from "../../../src/runtimes/llama-cpp/graph/tensor.ts";

/** A graph as `ask --graph` writes it: one line for each leaf and node. */
export function writtenGraph({ nodes, leafs }: DrawnGraph): string[] {
  const ids = new Map<GraphTensor, string>();
  leafs.forEach((leaf, index) => {
    ids.set(leaf, `L${index}`);
  });
  nodes.forEach((node, index) => {
    ids.set(node, `N${index}`);
  });
  const idOf = (tensor: GraphTensor): string => ids.get(tensor) ?? "?";
  return [...leafs, ...nodes].map((tensor) =>
    [
      idOf(tensor),
      tensor.operation,
      tensor.type.name,
      tensor.ne.join(),
      tensor.nb.join(),
      tensor.flags & (INPUT | OUTPUT),
      tensor.viewOf === undefined ? "" : idOf(tensor.viewOf),
      tensor.sources.map(idOf).join(),
      tensor.storage?.holdsWeights ? tensor.name : "",
    ].join("\t"),
  );
}

/** The engine's lines in the same words: types have the names that files give them. */
export function engineLines(text: string): string[] {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => {
      const cells = line.split("\t");
      cells[2] = (cells[2] ?? "").toUpperCase().replace(/_([KM])$/i, (end) => end.toUpperCase());
      return cells.join("\t");
    });
}
