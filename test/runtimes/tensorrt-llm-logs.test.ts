import { describe, expect, test } from "vitest";
import type { Model, ModelTensor } from "../../src/model/model.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { TensorrtLlmWorkload } from "../../src/runtimes/tensorrt-llm/workload.ts";
import { attention, layer, model, tensor } from "../support/model.ts";

// Figures that published logs of the engine print, each with the thread or page it stands in.

const GIB = 1024 ** 3;

/** A decoder of equal layers. */
function decoder(layers: number, kvHeads: number, keyDim: number, changes: Partial<Model> = {}): Model {
  const mixer = attention({ heads: 32, kvHeads, keyDim, valueDim: keyDim });
  return model({
    format: "safetensors",
    tensors: [tensor("w", { dtype: "BF16" })],
    trainedContext: 131_072,
    layers: Array.from({ length: layers }, (_, index) => layer(index, mixer)),
    ...changes,
  });
}

const estimate = (of: Model, workload: Omit<TensorrtLlmWorkload, "runtime"> = {}) =>
  estimateMemory(of, { runtime: "tensorrt-llm", ...workload });

const LLAMA_2_7B = decoder(32, 32, 128);
const LLAMA_3_8B = decoder(32, 8, 128);

describe("the pool of a number of tokens", () => {
  test.each([
    ["NVIDIA/TensorRT-LLM issue 1400 (Llama-2-7B)", LLAMA_2_7B, 132_608, 69_524_783_104, {}],
    ["tensorrtllm_backend issue 285 (Llama-2-7B)", LLAMA_2_7B, 2560, 1_342_177_280, { tokensPerBlock: 128 }],
    ["tensorrtllm_backend issue 569 (Llama-3-8B on two GPUs)", LLAMA_3_8B, 3136, 205_520_896, { tensorParallel: 2 }],
    [
      "tensorrtllm_backend issue 366 (Mistral-7B on four GPUs)",
      LLAMA_3_8B,
      29_184,
      956_301_312,
      { tensorParallel: 4, tokensPerBlock: 128 },
    ],
    [
      "tensorrtllm_backend issue 366, by run.py",
      LLAMA_3_8B,
      237_056,
      7_767_851_008,
      { tensorParallel: 4, tokensPerBlock: 128 },
    ],
  ] as const)("takes as many bytes as %s prints", (_source, of, maxTokens, bytes, split) => {
    const { capacity } = estimate(of, { maxTokens, ...split });
    expect(capacity).toMatchObject({ poolBytes: bytes, tokens: maxTokens, certainty: "derived" });
  });

  test.each([
    ["NVIDIA/TensorRT-LLM issue 4275 (Llama-3.1-8B, FP8)", LLAMA_3_8B, 263_008, "16.05", { kvCacheType: "fp8" }],
    [
      "farbodtavakkoli/OTel inference/tensorrtllm/llm/README.md (Qwen3-0.6B, 1.2.1)",
      decoder(28, 8, 128),
      643_136,
      "68.69",
      {},
    ],
    [
      "triton-inference-server/tutorials pull request 150 (22 layers of 4 heads of 64)",
      decoder(22, 4, 64),
      3_731_744,
      "78.30",
      {},
    ],
    [
      "ai-dynamo/dynamo examples/python_rs/llm/tensorrt_llm/README.md (32 layers of 8 heads of 128)",
      LLAMA_3_8B,
      220_480,
      "26.91",
      { tokensPerBlock: 64 },
    ],
    [
      "forums.developer.nvidia.com 354807 (gpt-oss-20b, whose 24 layers all keep every token)",
      decoder(24, 8, 64, {
        layers: Array.from({ length: 24 }, (_, index) =>
          layer(index, attention({ kvHeads: 8, ...(index % 2 ? {} : { window: { kind: "sliding", tokens: 128 } }) })),
        ),
      }),
      4128,
      "0.19",
      {},
    ],
  ] as const)("takes as many GiB as %s prints", (_source, of, maxTokens, gib, options) => {
    const { capacity } = estimate(of, { maxTokens, ...options });
    expect(capacity?.tokens).toBe(maxTokens);
    expect(((capacity?.poolBytes ?? 0) / GIB).toFixed(2)).toBe(gib);
  });
});

describe("the pool of the memory that is left", () => {
  // The engine of these logs, which compiles its models, rounds the last block up (kvCacheManager.cpp, calculateMaxNumBlocks);
  // the PyTorch backend rounds it down (resource_manager.py, calculate_max_num_blocks).
  test.each([
    ["NVIDIA/TensorRT-LLM issue 4275: 17.83 GiB left", LLAMA_3_8B, 17.83, 8219, { kvCacheType: "fp8" }],
    [
      "tensorrtllm_backend issue 576: 74.69 GiB left",
      LLAMA_3_8B,
      74.69,
      17_210,
      { tensorParallel: 2, tokensPerBlock: 64 },
    ],
  ] as const)(
    "is 0.9 of it, within the rounding of the log and of the last block: %s",
    (_source, of, left, blocks, options) => {
      const [least = 0, most = 0] = [left - 0.005, left + 0.005].map(
        (gib) => estimate(of, { availableCacheBytes: Math.floor(0.9 * gib * GIB), ...options }).capacity?.blocks,
      );
      expect(blocks).toBeGreaterThan(least);
      expect(blocks).toBeLessThanOrEqual(most + 1);
    },
  );

  test("is in the range for an H100: 20,098 blocks (farbodtavakkoli/OTel inference/tensorrtllm/llm/README.md, 1.2.1)", () => {
    const hidden = 1024;
    const intermediateSize = 3072;
    const perLayer = hidden * (2048 + 1024 + 1024 + 2048) + 3 * hidden * intermediateSize + 2 * hidden + 256;
    const matrix = (name: string, parameters: number, changes: Partial<ModelTensor> = {}): ModelTensor =>
      tensor(name, { dtype: "BF16", elements: parameters, parameters, bytes: 2 * parameters, ...changes });
    const qwen = decoder(28, 8, 128, {
      hiddenSize: hidden,
      vocabularySize: 151_936,
      tiedEmbeddings: true,
      layers: Array.from({ length: 28 }, (_, index) =>
        layer(index, attention({ heads: 16, kvHeads: 8, keyDim: 128, valueDim: 128 }), {
          feedForward: { kind: "dense", intermediateSize },
        }),
      ),
      tensors: [
        matrix("model.embed_tokens.weight", 151_936 * hidden, { component: "embedding", shape: [151_936, hidden] }),
        ...Array.from({ length: 28 }, (_, index) => matrix(`model.layers.${index}.all`, perLayer, { layer: index })),
        matrix("model.norm.weight", hidden, { component: "norm" }),
      ],
    });
    const h100 = { name: "GPU0", kind: "cuda", memoryBytes: Math.floor(79.2 * GIB) } as const;
    const { capacity, devices } = estimate(qwen, { contextTokens: 40_960, devices: [h100] });
    const requests = 20_098 / (40_960 / 32);
    expect(devices[0]?.weights).toBe(2 * 596_049_920);
    expect(capacity?.certainty).toBe("estimate");
    expect(requests).toBeGreaterThan(capacity?.low ?? 0);
    expect(requests).toBeLessThan(capacity?.high ?? 0);
  });
});

describe("the weights of one GPU", () => {
  const matrix = (name: string, rows: number, columns: number, changes: Partial<ModelTensor> = {}): ModelTensor => {
    const parameters = rows * columns;
    const elementBytes = changes.dtype === undefined ? 1 : 2;
    return tensor(name, {
      dtype: "F8_E4M3",
      shape: [rows, columns],
      elements: parameters,
      parameters,
      bytes: elementBytes * parameters,
      ...changes,
    });
  };
  const fp8 = { quantization: { method: "fp8", bitsPerWeight: 8 } } as const;

  /** Matrices of one layer: rows and columns by name. */
  const block = (index: number, heads: number, kvHeads: number, hidden: number): ModelTensor[] => {
    const at = `model.layers.${index}.self_attn`;
    const attends = { layer: index } as const;
    return [
      matrix(`${at}.q_proj.weight`, heads * 128, hidden, attends),
      matrix(`${at}.k_proj.weight`, kvHeads * 128, hidden, attends),
      matrix(`${at}.v_proj.weight`, kvHeads * 128, hidden, attends),
      matrix(`${at}.o_proj.weight`, hidden, heads * 128, attends),
    ];
  };
  const ends = (vocabulary: number, hidden: number): ModelTensor[] => [
    matrix("model.embed_tokens.weight", vocabulary, hidden, { dtype: "BF16", component: "embedding" }),
    matrix("lm_head.weight", vocabulary, hidden, { dtype: "BF16", component: "output" }),
  ];

  test("are 8.46 GiB of Llama-3.1-8B in FP8 (NVIDIA/TensorRT-LLM issue 6294: Rank 0 uses 8.46 GB)", () => {
    const llama = decoder(32, 8, 128, {
      ...fp8,
      tensors: [
        ...ends(128_256, 4096),
        ...Array.from({ length: 32 }, (_, index) => [
          ...block(index, 32, 8, 4096),
          matrix(`model.layers.${index}.mlp.gate_proj.weight`, 3 * 14_336, 4096, { layer: index }),
        ]).flat(),
      ],
    });
    expect((estimate(llama).totals.weights / GIB).toFixed(2)).toBe("8.46");
  });

  test("leave 28.85 GiB less beside NCCL of Qwen3-235B in FP8 on 8 GPUs (NVIDIA/TensorRT-LLM issue 5872)", () => {
    const mixer = attention({ heads: 64, kvHeads: 4, keyDim: 128, valueDim: 128 });
    const qwen = decoder(94, 4, 128, {
      ...fp8,
      layers: Array.from({ length: 94 }, (_, index) => layer(index, mixer)),
      tensors: [
        ...ends(151_936, 4096),
        ...Array.from({ length: 94 }, (_, index) => [
          ...block(index, 64, 4, 4096),
          matrix(`model.layers.${index}.mlp.gate.weight`, 128, 4096, { layer: index, dtype: "BF16" }),
          matrix(`model.layers.${index}.mlp.experts`, 128 * 3 * 1536, 4096, { layer: index, component: "experts" }),
        ]).flat(),
      ],
    });
    const { items } = estimate(qwen, { tensorParallel: 8, expertParallel: 8, contextTokens: 4096 });
    const [weights, nccl] = ["weights", "overhead"].map((component) =>
      items.find((item) => item.device === "GPU0" && item.component === component && !item.label.startsWith("CUDA")),
    );
    // Free memory before and after the model was made: 139.55 and 110.70 GiB, the communicators with it.
    const taken = (139.55 - 110.7) * GIB;
    expect(taken).toBeGreaterThan((weights?.bytes ?? 0) + (nccl?.low ?? 0));
    expect(taken).toBeLessThan((weights?.bytes ?? 0) + (nccl?.high ?? 0));
  });
});

describe("gpt-oss-120b on a GB10 (jeansblog/trt_llm README.md, 1.1.0rc3)", () => {
  const hidden = 2880;
  const experts = 128;
  const vocabulary = 201_088;
  const bf16 = (name: string, shape: readonly number[], changes: Partial<ModelTensor> = {}): ModelTensor => {
    const elements = shape.reduce((product, dimension) => product * dimension, 1);
    return tensor(name, { dtype: "BF16", shape, elements, parameters: elements, bytes: 2 * elements, ...changes });
  };
  const u8 = (name: string, shape: readonly number[], index: number): ModelTensor => {
    const { elements } = bf16(name, shape);
    return bf16(name, shape, { dtype: "U8", bytes: elements, layer: index, component: "experts" });
  };
  const block = (index: number): ModelTensor[] => {
    const at = `model.layers.${index}`;
    const attends = { layer: index } as const;
    const ofExperts = { layer: index, component: "experts" } as const;
    return [
      bf16(`${at}.self_attn.q_proj.weight`, [4096, hidden], attends),
      bf16(`${at}.self_attn.k_proj.weight`, [512, hidden], attends),
      bf16(`${at}.self_attn.v_proj.weight`, [512, hidden], attends),
      bf16(`${at}.self_attn.o_proj.weight`, [hidden, 4096], attends),
      bf16(`${at}.mlp.router.weight`, [experts, hidden], attends),
      u8(`${at}.mlp.experts.gate_up_proj_blocks`, [experts, 2 * hidden, hidden / 32, 16], index),
      u8(`${at}.mlp.experts.gate_up_proj_scales`, [experts, 2 * hidden, hidden / 32], index),
      bf16(`${at}.mlp.experts.gate_up_proj_bias`, [experts, 2 * hidden], ofExperts),
      u8(`${at}.mlp.experts.down_proj_blocks`, [experts, hidden, hidden / 32, 16], index),
      u8(`${at}.mlp.experts.down_proj_scales`, [experts, hidden, hidden / 32], index),
      bf16(`${at}.mlp.experts.down_proj_bias`, [experts, hidden], ofExperts),
    ];
  };
  const feedForward = {
    kind: "experts",
    experts,
    expertsPerToken: 4,
    expertIntermediateSize: hidden,
    sharedIntermediateSize: 0,
  } as const;
  const gptOss = decoder(36, 8, 64, {
    hiddenSize: hidden,
    vocabularySize: vocabulary,
    quantization: { method: "mxfp4", bitsPerWeight: 4.5 },
    layers: Array.from({ length: 36 }, (_, index) =>
      layer(index, attention({ heads: 64, kvHeads: 8 }), { feedForward }),
    ),
    tensors: [
      bf16("model.embed_tokens.weight", [vocabulary, hidden], { component: "embedding" }),
      bf16("lm_head.weight", [vocabulary, hidden], { component: "output" }),
      ...Array.from({ length: 36 }, (_, index) => block(index)).flat(),
    ],
  });

  test("takes 63.32 GiB of weights, both widths of its experts padded to 2,944", () => {
    expect((estimate(gptOss).totals.weights / GIB).toFixed(2)).toBe("63.32");
  });

  test("keeps 73,728 bytes of a token, and of 119.70 GiB, a peak of 113.65 and 0.56 of a first pool 5.95 GiB", () => {
    const left = 0.9 * (119.7 - 113.65 + 0.56);
    const { cachePerToken, capacity } = estimate(gptOss, { availableCacheBytes: Math.floor(left * GIB) });
    expect(cachePerToken).toBe(73_728);
    expect(((capacity?.poolBytes ?? 0) / GIB).toFixed(2)).toBe("5.95");
    // 86,711 tokens by bytes that the log rounds to 0.01 GiB, which are 145 tokens; rounded up to 2,710 blocks then.
    expect(Math.abs((capacity?.tokens ?? 0) - 86_711)).toBeLessThan(146 + 32);
  });

  test("takes 0.85 GiB of activations, which is in their range", () => {
    const item = estimate(gptOss, { maxBatchSize: 64 }).items.find(({ component }) => component === "compute");
    expect(0.85 * GIB).toBeGreaterThan(item?.low ?? Number.POSITIVE_INFINITY);
    expect(0.85 * GIB).toBeLessThan(item?.high ?? 0);
  });

  test("starts with fewer tokens than it was trained for, and says so", () => {
    const { diagnostics, capacity } = estimate(gptOss, { maxTokens: 8224 });
    expect(capacity?.concurrency).toBeLessThan(1);
    expect(diagnostics.map(({ message }) => message).join()).toContain("max_seq_len cut to 8224");
  });
});
