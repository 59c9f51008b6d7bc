/**
 * How long one estimate takes, llama.cpp, compute buffers and all: a dense model of 80 layers (the shape of Llama 3 70B), a
 * mixture of experts with latent attention of 61 (DeepSeek-V3), on a CPU and on GPUs; and how it grows with layers, the two
 * sizes in turns, so that a busy machine is busy for both. It is the built package that is timed: what runs TypeScript as it is
 * wraps every function. Reading is not timed, and nothing but this repository is needed.
 *
 *   npx tsx bench/estimate.ts [--check]
 */
import { holeyFile } from "../conformance/holey-file.ts";
import { type ArchitectureKeys, ggufOfKeys } from "../conformance/llama-cpp/architectures/keys.ts";
import { gpus } from "../conformance/llama-cpp/placements.ts";
import { type FoldedTensors, unfoldTensors } from "../conformance/llama-cpp/whole-models/tensors.ts";
import type { Model } from "../src/model/model.ts";
import type { LlamaCppWorkload } from "../src/runtimes/llama-cpp/workload.ts";
import { buildPackage } from "./rig.ts";

buildPackage();
const built: string = new URL("../dist/index.js", import.meta.url).href;
const { inspectModel, estimateMemory } = (await import(built)) as typeof import("../src/index.ts");

const RUNS = 101;
/** Of the time, where the layers are twice as many; what does not grow with them makes it less than two. */
const GROWTH_BAR = 2.3;

type Shape = {
  readonly name: string;
  readonly architecture: string;
  readonly layers: number;
  readonly barMs: number;
  readonly keys: ArchitectureKeys;
  readonly tensors: (layers: number) => FoldedTensors;
};

const DENSE: Shape = {
  name: "dense, 80 layers",
  architecture: "llama",
  layers: 80,
  barMs: 10,
  keys: {
    vocab_size: 128256,
    context_length: 131072,
    embedding_length: 8192,
    feed_forward_length: 28672,
    "attention.head_count": 64,
    "attention.head_count_kv": 8,
    "attention.layer_norm_rms_epsilon": 1e-5,
    "rope.dimension_count": 128,
  },
  tensors: (layers) => ({
    "token_embd.weight": "Q4_K 8192x128256",
    "output.weight": "Q6_K 8192x128256",
    "output_norm.weight": "F32 8192",
    "rope_freqs.weight": "F32 64",
    [`blk.{0-${layers - 1}}.attn_norm.weight`]: "F32 8192",
    [`blk.{0-${layers - 1}}.attn_q.weight`]: "Q4_K 8192x8192",
    [`blk.{0-${layers - 1}}.attn_k.weight`]: "Q4_K 8192x1024",
    [`blk.{0-${layers - 1}}.attn_v.weight`]: "Q6_K 8192x1024",
    [`blk.{0-${layers - 1}}.attn_output.weight`]: "Q4_K 8192x8192",
    [`blk.{0-${layers - 1}}.ffn_norm.weight`]: "F32 8192",
    [`blk.{0-${layers - 1}}.ffn_gate.weight`]: "Q4_K 8192x28672",
    [`blk.{0-${layers - 1}}.ffn_up.weight`]: "Q4_K 8192x28672",
    [`blk.{0-${layers - 1}}.ffn_down.weight`]: "Q6_K 28672x8192",
  }),
};

const LATENT: Shape = {
  name: "experts and latent attention, 61 layers",
  architecture: "deepseek2",
  layers: 61,
  barMs: 25,
  keys: {
    vocab_size: 129280,
    context_length: 163840,
    embedding_length: 7168,
    feed_forward_length: 18432,
    "attention.head_count": 128,
    "attention.head_count_kv": 1,
    "attention.layer_norm_rms_epsilon": 1e-6,
    "attention.key_length": 576,
    "attention.value_length": 512,
    "attention.key_length_mla": 192,
    "attention.value_length_mla": 128,
    "attention.q_lora_rank": 1536,
    "attention.kv_lora_rank": 512,
    "rope.dimension_count": 64,
    expert_count: 256,
    expert_used_count: 8,
    expert_group_count: 8,
    expert_group_used_count: 4,
    expert_feed_forward_length: 2048,
    expert_shared_count: 1,
    expert_gating_func: 2,
    expert_weights_norm: true,
    expert_weights_scale: 2.5,
    leading_dense_block_count: 3,
  },
  tensors: (layers) => ({
    "token_embd.weight": "Q4_K 7168x129280",
    "output.weight": "Q6_K 7168x129280",
    "output_norm.weight": "F32 7168",
    [`blk.{0-${layers - 1}}.attn_norm.weight`]: "F32 7168",
    [`blk.{0-${layers - 1}}.attn_q_a.weight`]: "Q4_K 7168x1536",
    [`blk.{0-${layers - 1}}.attn_q_a_norm.weight`]: "F32 1536",
    [`blk.{0-${layers - 1}}.attn_q_b.weight`]: "Q4_K 1536x24576",
    [`blk.{0-${layers - 1}}.attn_kv_a_mqa.weight`]: "Q4_K 7168x576",
    [`blk.{0-${layers - 1}}.attn_kv_a_norm.weight`]: "F32 512",
    [`blk.{0-${layers - 1}}.attn_k_b.weight`]: "Q8_0 128x512x128",
    [`blk.{0-${layers - 1}}.attn_v_b.weight`]: "Q8_0 512x128x128",
    [`blk.{0-${layers - 1}}.attn_output.weight`]: "Q4_K 16384x7168",
    [`blk.{0-${layers - 1}}.ffn_norm.weight`]: "F32 7168",
    "blk.{0-2}.ffn_gate.weight": "Q4_K 7168x18432",
    "blk.{0-2}.ffn_up.weight": "Q4_K 7168x18432",
    "blk.{0-2}.ffn_down.weight": "Q6_K 18432x7168",
    [`blk.{3-${layers - 1}}.ffn_gate_inp.weight`]: "F32 7168x256",
    [`blk.{3-${layers - 1}}.exp_probs_b.bias`]: "F32 256",
    [`blk.{3-${layers - 1}}.ffn_gate_exps.weight`]: "Q4_K 7168x2048x256",
    [`blk.{3-${layers - 1}}.ffn_up_exps.weight`]: "Q4_K 7168x2048x256",
    [`blk.{3-${layers - 1}}.ffn_down_exps.weight`]: "Q6_K 2048x7168x256",
    [`blk.{3-${layers - 1}}.ffn_gate_shexp.weight`]: "Q4_K 7168x2048",
    [`blk.{3-${layers - 1}}.ffn_up_shexp.weight`]: "Q4_K 7168x2048",
    [`blk.{3-${layers - 1}}.ffn_down_shexp.weight`]: "Q6_K 2048x7168",
  }),
};

const WORKLOADS: readonly (readonly [title: string, workload: Omit<LlamaCppWorkload, "runtime">])[] = [
  ["on a CPU", {}],
  ["on a GPU", { devices: gpus([24]) }],
  [
    "on a GPU, experts and 20 feed-forwards kept back",
    { devices: gpus([24]), cpuMoeLayers: "all", cpuFeedForwardLayers: 20 },
  ],
  ["on four GPUs", { devices: gpus([24, 24, 24, 24]) }],
  ["on an Apple GPU", { devices: gpus([64], "metal") }],
];

async function modelOf({ architecture, keys, tensors }: Shape, layers: number): Promise<Model> {
  const file = ggufOfKeys(architecture, { ...keys, block_count: layers }, unfoldTensors(tensors(layers)));
  return inspectModel(holeyFile(file));
}

/** Milliseconds of one estimate. */
function timed(model: Model, workload: LlamaCppWorkload): number {
  const start = performance.now();
  const { items } = estimateMemory(model, workload);
  const took = performance.now() - start;
  if (items.some(({ component, certainty }) => component === "compute" && certainty !== "exact"))
    throw new Error("this compute buffer is not the engine's: there is nothing to time");
  return took;
}

/** Milliseconds of an estimate of each model once warm, in order of size; the context differs each time. */
function timesOf(models: readonly Model[], workload: Omit<LlamaCppWorkload, "runtime">): readonly number[][] {
  const times = models.map((): number[] => []);
  for (let run = 0; run < 2 * RUNS; run++) {
    models.forEach((model, index) => {
      times[index]?.push(timed(model, { runtime: "llama.cpp", contextTokens: 8192 + run, ...workload }));
    });
  }
  return times.map((each) => each.slice(RUNS).sort((a, b) => a - b));
}

function say(text: string, measured: number, unit: string, bar: number): void {
  const isMet = measured < bar;
  console.log(`  ${text} ${measured.toFixed(2)} ${unit}, ${isMet ? "met" : "MISSED"}: below ${bar}`);
  if (!isMet && process.argv.includes("--check")) process.exitCode = 1;
}

for (const shape of [DENSE, LATENT]) {
  const models = [await modelOf(shape, shape.layers), await modelOf(shape, 2 * shape.layers)];
  console.log(`${shape.name}, ${models[0]?.tensors.length} tensors; ${RUNS} runs`);
  for (const [title, workload] of WORKLOADS) {
    const [one = [], twice = []] = timesOf(models, workload);
    const [fastest = 0] = one;
    say(`${title}: fastest ${fastest.toFixed(2)} ms, median`, one[RUNS >> 1] ?? 0, "ms", shape.barMs);
    // What is longer is disturbed more often: only the fastest say how it grows.
    say("  twice the layers", (twice[0] ?? 0) / fastest, "x", GROWTH_BAR);
  }
}
