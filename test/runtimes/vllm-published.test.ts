import { describe, expect, it } from "vitest";
import { modelOfConfig, modelOfRow } from "../../conformance/transformers/model-types.ts";
import { type Config, MODELS } from "../../conformance/vllm/models.ts";
import type { Capacity } from "../../src/runtimes/estimate.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { mxfp4PaddingBytes } from "../../src/runtimes/vllm/mxfp4-padding.ts";
import { resolveSettings } from "../../src/runtimes/vllm/settings.ts";
import type { VllmWorkload } from "../../src/runtimes/vllm/workload.ts";

const GIB = 1024 ** 3;

/** What people's start-up logs say, and what follows from the sizes of the model and the flags they gave. */
type Log = {
  readonly source: string;
  readonly model: string;
  readonly flags: Omit<VllmWorkload, "runtime" | "availableCacheBytes">;
  /** "Available KV cache memory", which is rounded to a hundredth. */
  readonly poolGib?: number;
  /** Where the pool is not printed, the blocks that make the other lines what they are. */
  readonly blocks?: number;
  readonly concurrency: string;
  readonly tokens?: number;
  readonly tokensAsOldLogs?: number;
};

const QWEN36_27B = { kvCacheType: "fp8", prefixCaching: true, tensorParallel: 2 } as const;

const LOGS: readonly Log[] = [
  {
    source: "a start-up log of vLLM 0.11 with gemma-3-27b-it on one GPU, which prints all four figures",
    model: "gemma-3-27b",
    flags: { version: "0.13.0", contextTokens: 4096, maxBatchedTokens: 8192 },
    poolGib: 109.86,
    blocks: 89_994,
    concurrency: "50.05",
    tokensAsOldLogs: 205_696,
  },
  {
    source: "a start-up log of Qwen3.6-27B on two GPUs with three drafted tokens",
    model: "Qwen3.6-27B",
    flags: { ...QWEN36_27B, version: "0.24.0", contextTokens: 262_144, maxBatchedTokens: 8192, speculativeTokens: 3 },
    blocks: 426,
    concurrency: "2.38",
    tokens: 623_873,
  },
  {
    source: "noonghunna/club-3090 issue 104 (Qwen3.6-27B, two RTX 3090)",
    model: "Qwen3.6-27B",
    flags: { ...QWEN36_27B, version: "0.20.2", contextTokens: 262_144, maxBatchedTokens: 8192 },
    poolGib: 9.84,
    concurrency: "2.36",
    tokens: 619_202,
  },
  {
    source: "mitchross/talos-argocd-proxmox pull request 1995 (Qwen3.8-27B, which has the layers of Qwen3.6-27B)",
    model: "Qwen3.6-27B",
    flags: { ...QWEN36_27B, version: "0.28.0", contextTokens: 131_072, maxBatchedTokens: 8192 },
    poolGib: 4.99,
    concurrency: "2.31",
    tokens: 302_921,
  },
  {
    source: "noonghunna/club-3090 issue 612 (Qwen3.6-35B-A3B, vLLM 0.24.0, one RTX 5090)",
    model: "Qwen3.6-35B-A3B",
    flags: {
      version: "0.24.0",
      contextTokens: 131_072,
      maxBatchedTokens: 8192,
      maxSequences: 1,
      kvCacheType: "fp8",
      prefixCaching: true,
    },
    poolGib: 5.98,
    concurrency: "4.33",
    tokens: 567_978,
  },
  {
    source: "vllm-project/vllm issue 40691 (Qwen3.5-27B, vLLM 0.19.0, H20)",
    model: "Qwen3.6-27B",
    flags: { version: "0.19.0", contextTokens: 32_768, maxBatchedTokens: 16_384, maxSequences: 16 },
    blocks: 1487,
    concurrency: "33.04",
    tokens: 1_082_800,
    tokensAsOldLogs: 290_864,
  },
  {
    source: "vllm-project/vllm issue 39734 (gemma-4-31B-it, 0.19.1rc1)",
    model: "gemma-4-31B",
    flags: { version: "0.19.1", contextTokens: 262_144, maxBatchedTokens: 2048 },
    blocks: 14_025,
    concurrency: "1.53",
    tokensAsOldLogs: 37_392,
  },
  {
    source: "vllm-project/vllm issue 10517 (Llama-3.1-8B, RTX 3090, 20,000 tokens)",
    model: "Llama-3.1-8B",
    flags: { version: "0.13.0", contextTokens: 20_000, maxBatchedTokens: 20_000 },
    blocks: 1952,
    concurrency: "1.56",
  },
  {
    source: "vllm-project/vllm issue 10517 (Llama-3.1-8B, RTX 3090, 29,000 tokens, which it refused)",
    model: "Llama-3.1-8B",
    flags: { version: "0.13.0", contextTokens: 29_000, maxBatchedTokens: 29_000 },
    blocks: 1478,
    concurrency: "0.82",
    tokensAsOldLogs: 23_648,
  },
];

const BESIDE: { readonly [name: string]: Config } = {
  ...MODELS,
  "Qwen3.6-35B-A3B": {
    ...MODELS["Qwen3.6-27B"],
    architectures: ["Qwen3_5MoeForCausalLM"],
    model_type: "qwen3_5_moe_text",
    hidden_size: 2048,
    layer_types: Array.from({ length: 40 }, (_, layer) => (layer % 4 === 3 ? "full_attention" : "linear_attention")),
    linear_num_value_heads: 32,
    moe_intermediate_size: 512,
    num_attention_heads: 16,
    num_experts: 256,
    num_experts_per_tok: 8,
    num_hidden_layers: 40,
    num_key_value_heads: 2,
    shared_expert_intermediate_size: 512,
  },
  "gemma-4-31B": {
    ...MODELS["gemma-4-26B-A4B"],
    enable_moe_block: false,
    hidden_size: 5376,
    intermediate_size: 21_504,
    layer_types: Array.from({ length: 60 }, (_, layer) => (layer % 6 === 5 ? "full_attention" : "sliding_attention")),
    num_attention_heads: 32,
    num_global_key_value_heads: 4,
    num_hidden_layers: 60,
    num_key_value_heads: 16,
  },
};

async function estimateOf(name: string, flags: Omit<VllmWorkload, "runtime">) {
  return estimateMemory(await modelOfConfig(BESIDE[name] ?? {}), { runtime: "vllm", ...flags });
}

async function capacityOf(name: string, flags: Omit<VllmWorkload, "runtime">): Promise<Capacity> {
  const { capacity } = await estimateOf(name, flags);
  if (capacity === undefined) throw new Error("no capacity");
  return capacity;
}

describe("pools in start-up logs", () => {
  it.each(LOGS)("$source", async ({ model, flags, poolGib, blocks, concurrency, tokens, tokensAsOldLogs }) => {
    const one = await capacityOf(model, { ...flags, availableCacheBytes: 100 * GIB });
    const blockBytes = one.poolBytes / one.blocks;
    const given = blocks === undefined ? (poolGib ?? 0) * GIB : blocks * blockBytes;
    const capacity = await capacityOf(model, { ...flags, availableCacheBytes: Math.floor(given) });
    expect(capacity.concurrency.toFixed(2)).toBe(concurrency);
    if (tokens !== undefined) expect(capacity.tokens).toBe(tokens);
    if (tokensAsOldLogs !== undefined) expect(capacity.tokensAsOldLogs).toBe(tokensAsOldLogs);
    // The blocks are inside what the printed pool is rounded from.
    if (poolGib !== undefined)
      expect(Math.abs(capacity.poolBytes / GIB - poolGib)).toBeLessThan(0.005 + blockBytes / GIB);
  });

  it("vllm-project/vllm issue 43308: Gemma 4 seems to hold ten times more from 0.20 to 0.21, for the same blocks", async () => {
    const flags = { version: "0.21.0", contextTokens: 262_144, maxBatchedTokens: 4096 };
    const { tokens, tokensAsOldLogs } = await capacityOf("gemma-4-31B", { ...flags, availableCacheBytes: 50 * GIB });
    expect(tokens / tokensAsOldLogs).toBeGreaterThan(8.5);
    expect(tokens / tokensAsOldLogs).toBeLessThan(11);
  });
});

describe("cache bytes of a token", () => {
  it.each([
    ["Llama-3-8B", {}, 131_072],
    ["Llama-3.1-70B", {}, 327_680],
    ["Qwen3-14B", {}, 163_840],
    ["gpt-oss-120b", {}, 73_728],
    ["DeepSeek-V3", {}, 70_272],
    ["DeepSeek-V3", { kvCacheType: "fp8" }, 35_136],
    ["DeepSeek-V3.2", { kvCacheType: "fp8" }, 61 * 656 + 61 * 132],
  ] as const)("%s %o: %i", async (name, options, bytes) => {
    expect((await estimateOf(name, { contextTokens: 4096, ...options })).cachePerToken).toBe(bytes);
  });

  it("is that of one rank on each of them, where there is one latent for all heads (vllm-project/vllm issue 51454)", async () => {
    const { cachePerToken } = await estimateOf("DeepSeek-V3", { contextTokens: 4096, tensorParallel: 8 });
    expect(cachePerToken).toBe(8 * 70_272);
  });
});

describe("peaks of activations in start-up logs", () => {
  it.each([
    [20_000, 17.06],
    [29_000, 17.98],
  ])(
    "vllm-project/vllm issue 10517: %i tokens in one step reach %f GiB over 14.99 of weights",
    async (tokens, peakGib) => {
      const flags = { contextTokens: tokens, maxBatchedTokens: tokens, maxSequences: 256, version: "0.13.0" };
      const item = (await estimateOf("Llama-3.1-8B", flags)).items.find(({ component }) => component === "compute");
      const published = (peakGib - 14.9888) * GIB;
      expect(Math.abs((item?.bytes ?? 0) / published - 1)).toBeLessThan(0.03);
      expect(item?.low ?? 0).toBeLessThan(published);
      expect(item?.high ?? 0).toBeGreaterThan(published);
    },
  );
});

describe("weights in start-up logs", () => {
  const block = "model.layers.{0-31}";
  const llama = {
    config: MODELS["Llama-3-8B"] ?? {},
    tensors: {
      "model.embed_tokens.weight": "BF16 128256 4096",
      "lm_head.weight": "BF16 128256 4096",
      "model.norm.weight": "BF16 4096",
      [`${block}.input_layernorm.weight`]: "BF16 4096",
      [`${block}.post_attention_layernorm.weight`]: "BF16 4096",
      [`${block}.self_attn.q_proj.weight`]: "BF16 4096 4096",
      [`${block}.self_attn.k_proj.weight`]: "BF16 1024 4096",
      [`${block}.self_attn.v_proj.weight`]: "BF16 1024 4096",
      [`${block}.self_attn.o_proj.weight`]: "BF16 4096 4096",
      [`${block}.mlp.gate_proj.weight`]: "BF16 14336 4096",
      [`${block}.mlp.up_proj.weight`]: "BF16 14336 4096",
      [`${block}.mlp.down_proj.weight`]: "BF16 4096 14336",
    },
  };

  it.each([
    [1, 14.96],
    [2, 7.48],
  ])("vllm-project/vllm issue 10511: Llama-3-8B on %i ranks, %f GiB each", async (tensorParallel, gib) => {
    const model = await modelOfRow(llama);
    const { devices } = estimateMemory(model, { runtime: "vllm", contextTokens: 8192, tensorParallel });
    expect(devices.map(({ weights }) => (weights / GIB).toFixed(2))).toEqual(
      Array.from({ length: tensorParallel }, () => gib.toFixed(2)),
    );
  });

  it.each([
    ["gpt-oss-120b", 60.768, 65.965],
    ["gpt-oss-20b", 12.816, 13.72],
  ] as const)("%s is larger than its file by the padding of its kernels", async (name, fileGib, loggedGib) => {
    const packed = { ...MODELS[name], quantization_config: { quant_method: "mxfp4" } };
    const model = await modelOfConfig(packed);
    const settings = resolveSettings(model, { runtime: "vllm", contextTokens: 4096 });
    const padding = mxfp4PaddingBytes(
      { ...model, quantization: { method: "mxfp4", bitsPerWeight: 4.25 } },
      settings,
      0,
    );
    expect(Math.abs(fileGib + padding / GIB - loggedGib)).toBeLessThan(0.04);
  });
});
