/**
 * How long one estimate takes, llama.cpp: a model of 80 layers and 723 tensors, as a 70B has them, on a CPU and spread over
 * three GPUs with tensors kept back. Its widths are small, which costs nothing: only their number counts. Reading is not
 * timed, and nothing but this repository is needed.
 */
import { writeKeys } from "../conformance/llama-cpp/architectures/keys.ts";
import { gpus } from "../conformance/llama-cpp/placements.ts";
import type { GgufTensor } from "../fixtures/write-gguf.ts";
import { inspectModel } from "../src/inspect.ts";
import { estimateMemory } from "../src/runtimes/estimate-memory.ts";
import type { LlamaCppWorkload } from "../src/runtimes/llama-cpp/workload.ts";

const LAYERS = 80;
const WIDTH = 64;
const RUNS = 500;

const KEYS = {
  vocab_size: WIDTH,
  context_length: 131072,
  embedding_length: WIDTH,
  block_count: LAYERS,
  feed_forward_length: WIDTH,
  "attention.head_count": 4,
  "attention.head_count_kv": 4,
};
const VECTORS = ["attn_norm", "ffn_norm"];
const MATRICES = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];

const GPUS = gpus([24, 24, 16]);
const WORKLOADS: readonly (readonly [title: string, workload: Omit<LlamaCppWorkload, "runtime">])[] = [
  ["one CPU", {}],
  ["one GPU", { devices: GPUS.slice(0, 1) }],
  ["three GPUs, 20 feed-forwards kept back", { devices: GPUS, cpuFeedForwardLayers: 20 }],
];

function tensors(): GgufTensor[] {
  const matrix = (name: string): GgufTensor => ({ name: `${name}.weight`, type: "F16", shape: [WIDTH, WIDTH] });
  const vector = (name: string): GgufTensor => ({ name: `${name}.weight`, type: "F32", shape: [WIDTH] });
  const blocks = Array.from({ length: LAYERS }, (_, block) => [
    ...VECTORS.map((name) => vector(`blk.${block}.${name}`)),
    ...MATRICES.map((name) => matrix(`blk.${block}.${name}`)),
  ]);
  return [matrix("token_embd"), vector("output_norm"), matrix("output"), ...blocks.flat()];
}

/** Median milliseconds of one estimate; the context differs each time. */
function measure(work: (contextTokens: number) => void): number {
  const times = Array.from({ length: RUNS }, (_, run) => {
    const start = performance.now();
    work(8192 + run);
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[RUNS >> 1] ?? 0;
}

const model = await inspectModel(new Blob([new Uint8Array(writeKeys("llama", KEYS, tensors()))]));
console.log(`${model.layers.length} layers, ${model.tensors.length} tensors, median of ${RUNS}`);
for (const [title, workload] of WORKLOADS) {
  const estimate = (contextTokens: number) =>
    estimateMemory(model, { runtime: "llama.cpp", contextTokens, ...workload });
  measure(estimate);
  console.log(`  ${title}: ${measure(estimate).toFixed(2)} ms`);
}
