import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { estimateMemory, inspectModel } from "../../src/index.ts";
import { arrangeCaches } from "../../src/runtimes/llama-cpp/graph/cache-buffers.ts";
import { ComputeGraph } from "../../src/runtimes/llama-cpp/graph/graph.ts";
import { add, copyTo, mul, rmsNorm } from "../../src/runtimes/llama-cpp/graph/ops/elementwise.ts";
import { flashAttention, mulMat } from "../../src/runtimes/llama-cpp/graph/ops/products.ts";
import {
  contiguous,
  F16,
  F32,
  type Four,
  GraphTensor,
  inputTensor,
} from "../../src/runtimes/llama-cpp/graph/tensor.ts";
import { metalBytes } from "../../src/runtimes/llama-cpp/metal/bytes.ts";
import { fusedCount, keptByMetal } from "../../src/runtimes/llama-cpp/metal/fusions.ts";
import { isComputedByMetal, offloadsToMetal } from "../../src/runtimes/llama-cpp/metal/operations.ts";
import { orderedByMetal } from "../../src/runtimes/llama-cpp/metal/order.ts";

const DEMO = join(import.meta.dirname, "../../fixtures/files/demo.gguf");
const GPU = { name: "GPU0", kind: "metal" } as const;

function stored(ne: Four, holdsWeights: boolean): GraphTensor {
  return new GraphTensor("NONE", F32, ne, contiguous(F32, ne), [], undefined, { device: GPU, holdsWeights });
}

function nodesOf(...ends: readonly GraphTensor[]): readonly GraphTensor[] {
  const graph = new ComputeGraph();
  for (const end of ends) graph.expand(end);
  return graph.nodes;
}

const row = (): GraphTensor => inputTensor(F32, [64]);
const square = (): GraphTensor => stored([64, 64, 1, 1], true);
const orderOf = (nodes: readonly GraphTensor[], isMeasured = false): number[] =>
  orderedByMetal(nodes, isMeasured).map((node) => nodes.indexOf(node));

describe("llama.cpp's Metal backend", () => {
  it("computes nodes together that do not wait for each other", () => {
    const [x, y] = [row(), row()];
    const nodes = nodesOf(mulMat(square(), mulMat(square(), x)), mulMat(square(), mulMat(square(), y)));
    expect(orderOf(nodes)).toEqual([0, 2, 1, 3]);
  });

  it("keeps the order where a cache is written and read, and where only a measurement puts two in one place", () => {
    const caches = [0, 1].map((layer) => ({ layer, tensors: [stored([60, 1, 1, 1], false)] }));
    arrangeCaches(caches.map((cache) => ({ ...cache, name: "main", isWindowed: false })));
    const [first, second] = caches.flatMap(({ tensors }) => tensors);
    if (first === undefined || second === undefined) throw new Error("no caches");
    const x = (): GraphTensor => inputTensor(F32, [60]);
    const nodes = nodesOf(copyTo(x(), first), mul(first, x()), copyTo(x(), second));
    expect(orderOf(nodes)).toEqual([0, 2, 1]);
    expect(orderOf(nodes, true)).toEqual([0, 1, 2]);
  });

  it("keeps what is computed in one together, and what it reads until its end", () => {
    const [x, weight, bias] = [row(), stored([64, 1, 1, 1], true), stored([64, 1, 1, 1], true)];
    const nodes = nodesOf(add(mul(rmsNorm(x), weight), bias));
    expect(fusedCount(nodes, 0)).toBe(3);
    expect(keptByMetal(nodes, 0, 3)).toEqual([{ until: nodes[2], kept: [x, weight, bias] }]);
    // What is read elsewhere as well has to be there.
    const normed = rmsNorm(x);
    expect(fusedCount(nodesOf(mul(normed, weight), add(normed, bias)), 0)).toBe(1);
  });

  it("takes more than its result for attention, and no head sizes but its own", () => {
    const heads = (dim: number, type = F16): GraphTensor => new GraphTensor("NONE", type, [dim, 32, 1, 1]);
    const node = flashAttention(heads(64, F32), heads(64), heads(64), undefined);
    // Cells beyond the last whole block, what groups of threads found, keys and values in 16 bits.
    expect(metalBytes(node)).toBe(4 * 64 * 32 + 64 * (128 + 128) + 4 * 32 * 32 * 66 + 2 * (2 * 64 * 32));
    expect(isComputedByMetal(node)).toBe(true);
    expect(isComputedByMetal(flashAttention(heads(56, F32), heads(56), heads(56), undefined))).toBe(false);
  });

  it("brings to the GPU products of large batches alone", () => {
    const batch = inputTensor(F32, [64, 32]);
    expect(offloadsToMetal(mulMat(square(), batch))).toBe(true);
    expect(offloadsToMetal(mulMat(square(), row()))).toBe(false);
    expect(offloadsToMetal(mul(batch, stored([64, 1, 1, 1], true)))).toBe(false);
  });

  it("has exact compute buffers, which say what decides on them", async () => {
    const { items } = estimateMemory(await inspectModel(DEMO), { runtime: "llama.cpp", devices: [GPU] });
    const compute = items.filter(({ component }) => component === "compute");
    expect(compute.map(({ device, certainty }) => [device, certainty])).toEqual([
      ["GPU0", "exact"],
      ["CPU", "exact"],
    ]);
    expect(compute[0]?.source).toContain("ggml-metal-common.cpp");
  });
});
