import { describe, expect, it } from "vitest";
import type { Device } from "../../src/runtimes/device.ts";
import type { Backend } from "../../src/runtimes/llama-cpp/backend.ts";
import { ComputeGraph } from "../../src/runtimes/llama-cpp/graph/graph.ts";
import { add, layerNorm, mul } from "../../src/runtimes/llama-cpp/graph/ops/elementwise.ts";
import { mulMat } from "../../src/runtimes/llama-cpp/graph/ops/products.ts";
import {
  contiguous,
  F32,
  type Four,
  GraphTensor,
  inputTensor,
  OUTPUT,
} from "../../src/runtimes/llama-cpp/graph/tensor.ts";
import { type PlannedBuffer, planGraph } from "../../src/runtimes/llama-cpp/planner.ts";
import { scheduleGraph } from "../../src/runtimes/llama-cpp/scheduler.ts";

const CPU: Device = { name: "CPU", kind: "cpu" };
const GPU: Device = { name: "GPU0", kind: "cuda" };
const ROW = 1024; // bytes of [256] in float32

const buffer: PlannedBuffer = { alignment: 32, bytesOf: ({ bytes }) => bytes };

function weight(ne: Four, device: Device = CPU): GraphTensor {
  return new GraphTensor("NONE", F32, ne, contiguous(F32, ne), [], undefined, { device, holdsWeights: true });
}

function graphOf(...ends: readonly GraphTensor[]): ComputeGraph {
  const graph = new ComputeGraph();
  for (const end of ends) graph.expand(end);
  return graph;
}

function plannedOnCpu(graph: ComputeGraph, largestPiece?: number): number {
  const zeros = (list: readonly GraphTensor[]): number[] => list.map(() => 0);
  const { nodes, leafs } = graph;
  const planned = { nodes, leafs, nodeBuffers: zeros(nodes), leafBuffers: zeros(leafs) };
  return planGraph(planned, [{ ...buffer, ...(largestPiece && { largestPiece }) }])[0] ?? 0;
}

describe("the planner", () => {
  it("gives memory that was read for the last time to what comes after", () => {
    const x = inputTensor(F32, [256]);
    // A norm does not write over what it reads: two rows at once, never three.
    expect(plannedOnCpu(graphOf(layerNorm(layerNorm(layerNorm(x)))))).toBe(2 * ROW);
  });

  it("lets an operation write over a source that nothing else reads", () => {
    const x = layerNorm(inputTensor(F32, [256]));
    expect(plannedOnCpu(graphOf(mul(x, weight([256, 1, 1, 1]))))).toBe(2 * ROW);
    const read = layerNorm(inputTensor(F32, [256]));
    const twice = mul(read, weight([256, 1, 1, 1]));
    expect(plannedOnCpu(graphOf(add(twice, layerNorm(read))))).toBe(3 * ROW);
  });

  it("never gives away what is put out", () => {
    const first = layerNorm(inputTensor(F32, [256]));
    first.flags |= OUTPUT;
    expect(plannedOnCpu(graphOf(layerNorm(layerNorm(first))))).toBe(3 * ROW);
  });

  it("begins another piece where the device hands out no larger one", () => {
    const x = inputTensor(F32, [256]);
    expect(plannedOnCpu(graphOf(layerNorm(x)), ROW)).toBe(2 * ROW);
  });
});

describe("the scheduler", () => {
  const backend = (device: Device, supports: Backend["supports"] = () => true): Backend => ({
    device,
    supports,
    offloads: () => false,
    keeps: () => [],
    orders: (nodes) => nodes,
  });
  const options = { operatorOffload: false, copies: 1, keepsPinned: true };

  it("computes where the weights lie, and copies what it reads from elsewhere", () => {
    const x = inputTensor(F32, [256, 8]);
    const graph = graphOf(mulMat(weight([256, 256, 1, 1], GPU), x));
    const { nodes, nodeBuffers, splits } = scheduleGraph(graph, [backend(GPU), backend(CPU)], options);
    expect(splits).toBe(1);
    expect(nodes.map(({ operation }) => operation)).toEqual(["NONE", "NONE", "MUL_MAT"]);
    expect(nodeBuffers).toEqual([1, 0, 0]);
  });

  it("leaves to the CPU what a GPU cannot compute", () => {
    const x = inputTensor(F32, [256, 8]);
    const normed = layerNorm(mulMat(weight([256, 256, 1, 1], GPU), x));
    const graph = graphOf(mulMat(weight([256, 256, 1, 1], GPU), normed));
    const gpu = backend(GPU, ({ operation }) => operation !== "NORM");
    const { splits, nodes, nodeBuffers } = scheduleGraph(graph, [gpu, backend(CPU)], options);
    expect(splits).toBe(3);
    expect(nodeBuffers[nodes.findIndex(({ operation }) => operation === "NORM")]).toBe(1);
  });

  it("keeps four copies of every input where several GPUs take turns", () => {
    const x = inputTensor(F32, [256, 8]);
    const graph = graphOf(mulMat(weight([256, 256, 1, 1], GPU), x));
    const { leafs } = scheduleGraph(graph, [backend(GPU), backend(CPU)], { ...options, copies: 4 });
    // The input and its copies on the host, as many on the GPU; the weight and the input are leafs of the graph itself.
    expect(leafs.filter(({ ne, storage }) => storage === undefined && ne[1] === 8)).toHaveLength(9);
  });
});
