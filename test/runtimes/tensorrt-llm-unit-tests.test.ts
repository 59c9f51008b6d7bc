import { describe, expect, test } from "vitest";
import type { LatentMixer, RecurrentMixer } from "../../src/model/mixer.ts";
import type { Model } from "../../src/model/model.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { CacheType } from "../../src/runtimes/tensorrt-llm/cache-type.ts";
import { stateElements } from "../../src/runtimes/tensorrt-llm/states.ts";
import { fittedGroups, requestBlocks, windowGroups } from "../../src/runtimes/tensorrt-llm/windows.ts";
import type { TensorrtLlmWorkload } from "../../src/runtimes/tensorrt-llm/workload.ts";
import { attention, layer, model, tensor } from "../support/model.ts";

// Every number below is one that a unit test of NVIDIA/TensorRT-LLM expects; the titles name its file and its name.

const HALF: CacheType = { name: "F16", bytes: (elements) => 2 * elements };

const made = (mixers: readonly Model["layers"][number]["mixer"][], changes: Partial<Model> = {}): Model =>
  model({
    format: "safetensors",
    tensors: [tensor("w", { dtype: "BF16" })],
    layers: mixers.map((mixer, index) => layer(index, mixer)),
    ...changes,
  });
const times = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);
const estimate = (of: Model, workload: Omit<TensorrtLlmWorkload, "runtime"> = {}) =>
  estimateMemory(of, { runtime: "tensorrt-llm", ...workload });

describe("tests/unittest/_torch/executor/test_resource_manager.py", () => {
  // 8 heads of 1, keys and values: 32 bytes of a token in each of nine layers.
  const each = { kind: "KV", elements: 16, indexerBytes: 0 } as const;
  const windows = [...times(4, 100), ...times(3, 200), ...times(2, 7000)];
  const groups = windowGroups(times(9, each), HALF, 7000, windows);

  test.each([
    ["limited_memory_clamped_windows", 32 * (100 * 4 + 130 * 5) + 4, { 100: 4, 130: 5 }, undefined],
    [
      "less_limited_memory_clamped_windows",
      32 * (100 * 4 + 200 * 3 + 1017 * 2) + 4,
      { 100: 4, 200: 3, 1017: 2 },
      undefined,
    ],
    [
      "sufficient_memory_no_clamping",
      32 * (100 * 4 + 200 * 3 + 7000 * 2) + 9402,
      { 100: 4, 200: 3, 7000: 2 },
      undefined,
    ],
    ["very_limited_memory_all_clamped", 32 * (51 * 9) + 1, { 51: 9 }, undefined],
    ["less_limited_memory_but_clamped_by_max_tokens", 32 * (100 * 4 + 134 * 5) + 4, { 100: 4, 134: 5 }, 134],
  ] as const)("test_adjust_window_sizes_for_vswa: %s", (_name, poolBytes, expected, maxTokens) => {
    const fitted = fittedGroups(groups, HALF, poolBytes, maxTokens);
    expect(Object.fromEntries(fitted.map(({ windowTokens, layers }) => [windowTokens, layers.length]))).toEqual(
      expected,
    );
  });

  test.each([
    ["max_gpu_total_bytes of 32 MiB", 32 * 1024 ** 2],
    ["a tenth of 128 MiB free", Math.floor(0.1 * 128 * 1024 ** 2)],
  ])("test_calculate_max_num_blocks_for_vswa: the pools together take %s, but for parts of blocks", (_name, bytes) => {
    const mixers = times(4, attention({ heads: 8, kvHeads: 8, keyDim: 1, valueDim: 1 }));
    const { capacity } = estimate(made(mixers), {
      contextTokens: 128,
      maxAttentionWindow: [64, 128],
      availableCacheBytes: bytes,
    });
    const blockBytes = 2 * 32 * 32;
    expect(capacity?.poolBytes).toBeLessThanOrEqual(bytes);
    expect(capacity?.poolBytes).toBeGreaterThan(bytes - 2 * blockBytes);
    expect(capacity?.blocks).toBe(2 * Math.floor(bytes / 2 / blockBytes));
  });
});

describe("tests/unittest/_torch/executor/kv_cache/test_kv_cache_estimation.py", () => {
  const llama = made(times(2, attention()));
  // 128 tokens and the one that is generated, in blocks of 64.
  const workload = { contextTokens: 129, tokensPerBlock: 64 } as const;
  const tokensOn = (device: number, of: ReturnType<typeof estimate>) =>
    (of.devices[device]?.cache ?? 0) / (estimate(llama).cachePerToken ?? 0);

  test("test_without_adp_all_blocks_counted: 4 requests of 3 blocks of 64 tokens", () => {
    expect(tokensOn(0, estimate(llama, { ...workload, sequences: 4 }))).toBe(4 * 3 * 64);
  });

  test("test_max_beam_width_scales_estimation_blocks: 4 beams of 3 blocks", () => {
    expect(tokensOn(0, estimate(llama, { ...workload, maxBeamWidth: 4 }))).toBe(3 * 4 * 64);
  });

  test.each([2, 4, 8])(
    "test_adp_various_tp_sizes: of %i requests on as many ranks each holds one",
    (tensorParallel) => {
      const spread = estimate(llama, { ...workload, sequences: tensorParallel, tensorParallel, attentionDp: true });
      expect(spread.devices.map((_, index) => tokensOn(index, spread))).toEqual(times(tensorParallel, 3 * 64));
    },
  );
});

describe("bytes of one token (KVCacheManager.get_cache_size_per_token and get_cache_bytes_per_token)", () => {
  const small = made(times(2, attention({ heads: 4, kvHeads: 2, keyDim: 64, valueDim: 64 })));

  test.each([1, 2])(
    "test_int8_kv_estimation_uses_half_the_bf16_bytes: 8 bits on each of %i ranks",
    (tensorParallel) => {
      const expected = 2 * 2 * (2 / tensorParallel) * 64;
      const bytes = (kvCacheType: "fp8" | "auto") =>
        (estimate(small, { kvCacheType, tensorParallel }).cachePerToken ?? 0) / tensorParallel;
      expect(bytes("fp8")).toBe(expected);
      expect(bytes("auto")).toBe(2 * expected);
    },
  );

  test("test_int8_kv_pool_accounting: 512 bytes with 8 bits, 1,024 in bfloat16", () => {
    expect(estimate(small, { kvCacheType: "fp8" }).cachePerToken).toBe(512);
    expect(estimate(small).cachePerToken).toBe(1024);
  });

  test("test_kv_cache_budget_split.py, test_one_model_draft_cost_uses_derived_kv_config: 512 tokens of 64 bytes", () => {
    const draft = made([attention({ heads: 4, kvHeads: 2, keyDim: 8, valueDim: 8 })], { hiddenSize: 32 });
    expect(estimate(draft).cachePerToken).toBe(64);
    expect(estimate(draft, { contextTokens: 512, tokensPerBlock: 64 }).totals.cache).toBe(512 * 64);
  });

  test("kvCacheManagerTest.cpp, FP4BlockScaleManagementTest: a scale for 16 elements, which take half a byte each", () => {
    const workload = { contextTokens: 4, tokensPerBlock: 4 } as const;
    const fp4 = made(times(6, attention({ heads: 6, kvHeads: 6, keyDim: 16, valueDim: 16 })));
    const elements = 6 * 2 * 6 * 16 * 4;
    const containers = elements / 2;
    expect(estimate(fp4, { ...workload, kvCacheType: "nvfp4" }).totals.cache).toBe(containers + (containers * 2) / 16);
  });
});

describe("the indexer's cache beside the latent one (TestEstimatorArithmetic, DSACacheManager.get_cache_size_per_token)", () => {
  const latent: LatentMixer = {
    kind: "latent",
    heads: 64,
    kvLoraRank: 512,
    ropeDim: 64,
    nopeDim: 128,
    valueDim: 128,
    window: { kind: "none" },
    upProjection: "joint",
  };
  const indexed = { ...latent, indexer: { heads: 64, keyDim: 128 } };
  const isFull = (index: number) => index < 2 || (index - 5) % 4 === 0;
  const glm = made(Array.from({ length: 78 }, (_, index) => (isFull(index) ? indexed : latent)));
  const fp8 = { kvCacheType: "fp8" } as const;

  test("test_dense_geometry_unchanged_55224_bytes_per_token", () => {
    expect(estimate(made(times(78, indexed)), fp8).cachePerToken).toBe(55_224);
  });

  test("test_glm52_geometry_47700_bytes_per_token", () => {
    expect(estimate(glm, fp8).cachePerToken).toBe(47_700);
  });

  test("test_pp_ranks_split_full_indexer_layers", () => {
    const { devices } = estimate(glm, { ...fp8, pipelineParallel: 2, contextTokens: 32 });
    const full = [0, 1].map(
      (stage) => Array.from({ length: 39 }, (_, index) => 39 * stage + index).filter(isFull).length,
    );
    expect(devices.map(({ cache }) => (cache ?? 0) / 32)).toEqual(full.map((count) => 39 * 576 + count * 132));
  });

  test("TestCompactPoolAllocation: 6 layers of 128 elements in bfloat16 and 3 or 6 index keys", () => {
    const narrow = { ...latent, kvLoraRank: 64, ropeDim: 64 };
    const of = (rows: number) =>
      made(Array.from({ length: 6 }, (_, index) => (index < rows ? { ...narrow, indexer: indexed.indexer } : narrow)));
    expect(estimate(of(3)).cachePerToken).toBe(2 * 6 * 128 + 3 * 132);
    expect(estimate(of(6)).cachePerToken).toBe(2 * 6 * 128 + 6 * 132);
  });
});

describe("tests/unittest/_torch/executor/kv_cache/test_mamba_cache_tp_replication.py", () => {
  const mamba = (groups: number, state: number): RecurrentMixer => ({
    kind: "recurrent",
    family: "mamba2",
    state: [
      { name: "convolution", shape: [8 * 16 + 2 * groups * state, 3] },
      { name: "ssm", shape: [8 * 16, state] },
    ],
    convolutionKernel: 4,
  });

  test.each([
    ["test_python_manager_replicated_group_shapes", mamba(2, 8), 4, 48 * 3, 2 * 16 * 8],
    ["test_python_manager_even_groups_unchanged", mamba(2, 8), 2, 80 * 3, 4 * 16 * 8],
    ["test_v2_manager_replicated_group_shapes", mamba(1, 16), 4, 64 * 3, 2 * 16 * 16],
    ["test_cpp_manager_allows_replicated_groups_without_disagg", mamba(1, 8), 4, 48 * 3, 2 * 16 * 8],
  ])("%s", (_name, mixer, ranks, convolution, state) => {
    expect(stateElements(mixer, ranks)).toEqual({ convolution, state });
  });

  test("test_states_bytes_per_layer_replicated", () => {
    const hybrid = made([mamba(1, 8)]);
    const { devices } = estimate(hybrid, { tensorParallel: 4, sequences: 1 });
    expect(devices.map(({ cache }) => cache)).toEqual(times(4, (32 + 2 * 8) * 3 * 2 + 2 * 16 * 8 * 2));
  });
});

describe("tests/unittest/others/test_mapping.py, test_mapping", () => {
  test("ranks of a stage follow each other: 4 GPUs that share a layer, two stages", () => {
    const tensors = [0, 1].map((index) =>
      tensor(`model.layers.${index}.mlp.norm.weight`, { layer: index, dtype: "BF16" }),
    );
    const [first, second] = [4, 8];
    const two = made(times(2, attention({ kvHeads: 4 })), {
      tensors: [
        { ...tensors[0], parameters: first, elements: first },
        { ...tensors[1], elements: second },
      ].map((each) => ({
        ...tensor("x"),
        ...each,
      })),
    });
    const { devices } = estimate(two, { tensorParallel: 4, pipelineParallel: 2 });
    expect(devices.map(({ weights }) => weights)).toEqual([...times(4, 2 * first), ...times(4, 2 * second)]);
  });
});

describe("documentation of its memory", () => {
  test("docs/source/reference/memory.md: 8 GPUs that share layers, or 8 stages, hold an eighth each", () => {
    const matrices = Array.from({ length: 8 }, (_, index) =>
      tensor(`model.layers.${index}.mlp.up_proj.weight`, { layer: index, component: "feedForward", dtype: "BF16" }),
    );
    const even = made(times(8, attention({ kvHeads: 8 })), { tensors: matrices });
    const whole = estimate(even).totals.weights;
    for (const split of [{ tensorParallel: 8 }, { pipelineParallel: 8 }])
      expect(estimate(even, split).devices.map(({ weights }) => weights)).toEqual(times(8, whole / 8));
  });

  test("docs/source/reference/memory.md: of tokens by the free memory and max_tokens, the fewer", () => {
    const llama = made(times(2, attention()));
    const bytes = 1000 * (estimate(llama).cachePerToken ?? 0);
    const tokens = (maxTokens: number) => estimate(llama, { availableCacheBytes: bytes, maxTokens }).capacity?.tokens;
    expect(tokens(640)).toBe(640);
    expect(tokens(6400)).toBe(Math.floor(1000 / 32) * 32);
  });

  test("docs/source/features/kvcache.md: 90 % of the free memory, blocks of a power of two above 1", () => {
    const llama = made(times(2, attention()));
    expect(estimate(llama).workload).toMatchObject({ freeGpuMemoryFraction: 0.9, tokensPerBlock: 32 });
    for (const tokensPerBlock of [1, 24])
      expect(() => estimate(llama, { tokensPerBlock })).toThrow("a power of two above 1");
  });

  test("kvCacheManager.h, kSWAExtraBlock: a window of 8 tokens in blocks of 4 keeps 3 blocks once it slides", () => {
    expect(requestBlocks(8, 40, 4, 1)).toBe(3);
    expect(requestBlocks(8, 8, 4, 1)).toBe(2);
  });
});
