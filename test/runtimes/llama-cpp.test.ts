import { describe, expect, test } from "vitest";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { LlamaCppWorkload } from "../../src/runtimes/llama-cpp/workload.ts";
import { attention, layer, model, tensor } from "../support/model.ts";

const estimate = (made: ReturnType<typeof model>, workload: Omit<LlamaCppWorkload, "runtime"> = {}) =>
  estimateMemory(made, { runtime: "llama.cpp", ...workload });

/** Bytes of one cell of one layer of `model()`: keys and values of 2 heads of 64, two bytes each. */
const CELL_BYTES = 2 * (2 * 64) * 2;
const GPU = [{ name: "GPU0", kind: "cuda", memoryBytes: 2 ** 30 } as const];

describe("the cache of llama.cpp", () => {
  test("holds the trained context unless told otherwise", () => {
    expect(estimate(model()).totals.cache).toBe(2 * 8192 * CELL_BYTES);
    expect(estimate(model()).workload["contextTokens"]).toBe(8192);
  });

  test("is padded to 256 cells", () => {
    expect(estimate(model(), { contextTokens: 1 }).totals.cache).toBe(2 * 256 * CELL_BYTES);
    expect(estimate(model(), { contextTokens: 257 }).totals.cache).toBe(2 * 512 * CELL_BYTES);
  });

  test("divides the context among sequences, and pads each part", () => {
    // 5000 -> 5120; a third of it, 1706, -> 1792 cells for each of 3 streams.
    expect(estimate(model(), { contextTokens: 5000, sequences: 3 }).totals.cache).toBe(2 * 3 * 1792 * CELL_BYTES);
    expect(estimate(model(), { contextTokens: 5000, sequences: 3, unifiedCache: true }).totals.cache).toBe(
      2 * 5120 * CELL_BYTES,
    );
  });

  test("has as many layers as the encoder has blocks, where the decoder has fewer", () => {
    const shorter = model({ architecture: "t5", encoder: { layerCount: 5, weightBytes: 0 } });
    expect(estimate(shorter).totals.cache).toBe(5 * 8192 * CELL_BYTES);
  });

  test("keeps a window and one micro-batch in sliding layers", () => {
    const sliding = model({ layers: [layer(0, attention({ window: { kind: "sliding", tokens: 1024 } }))] });
    expect(estimate(sliding).totals.cache).toBe((1024 + 512) * CELL_BYTES);
    expect(estimate(sliding, { microBatchTokens: 256 }).totals.cache).toBe((1024 + 256) * CELL_BYTES);
    expect(estimate(sliding, { fullSlidingWindowCache: true }).totals.cache).toBe(8192 * CELL_BYTES);
    expect(estimate(sliding, { contextTokens: 512 }).totals.cache).toBe(512 * CELL_BYTES);
    expect(estimate(sliding, { sequences: 2, unifiedCache: true }).totals.cache).toBe((2 * 1024 + 512) * CELL_BYTES);
  });

  test("costs nothing for a layer that reuses another's, or for an encoder", () => {
    const shared = model({ layers: [layer(0, attention()), layer(1, attention({ sharesCacheWith: 0 }))] });
    expect(estimate(shared).totals.cache).toBe(8192 * CELL_BYTES);
    const encoder = model({ causal: false, layers: [layer(0, attention({ causal: false }))] });
    expect(estimate(encoder).totals.cache).toBe(0);
  });

  test("keeps only keys in latent space, and expanded heads where the file does not split them", () => {
    const latent = { kind: "latent", heads: 16, kvLoraRank: 512, ropeDim: 64, nopeDim: 128, valueDim: 128 } as const;
    const absorbed = model({ layers: [layer(0, { ...latent, window: { kind: "none" }, upProjection: "absorbed" })] });
    const joint = model({ layers: [layer(0, { ...latent, window: { kind: "none" }, upProjection: "joint" })] });
    expect(estimate(absorbed).cachePerToken).toBe((512 + 64) * 2);
    expect(estimate(joint).cachePerToken).toBe(16 * (192 + 128) * 2);
  });

  test("holds recurrent state in f32, one row per sequence, whatever the context", () => {
    const state = [
      { name: "convolution", shape: [1536, 3] },
      { name: "ssm", shape: [1536, 16] },
    ] as const;
    const mamba = model({ layers: [layer(0, { kind: "recurrent", family: "mamba1", state })] });
    const bytes = 4 * 1536 * 3 + 4 * 1536 * 16;
    expect(estimate(mamba).totals.cache).toBe(bytes);
    expect(estimate(mamba, { contextTokens: 512, sequences: 3 }).totals.cache).toBe(3 * bytes);
    expect(estimate(mamba).cachePerToken).toBe(0);
  });

  test("counts blocks, not elements, in quantized types", () => {
    expect(estimate(model(), { cacheTypeK: "q8_0", cacheTypeV: "q4_0" }).cachePerToken).toBe(
      2 * ((128 / 32) * 34 + (128 / 32) * 18),
    );
  });

  test("pads values to the widest layer without flash attention", () => {
    const varied = model({ layers: [layer(0, attention()), layer(1, attention({ kvHeads: 4 }))] });
    const own = estimate(varied, { flashAttention: "on" }).cachePerToken;
    expect(own).toBe((2 + 2 + 4 + 4) * 64 * 2);
    expect(estimate(varied, { flashAttention: "off" }).cachePerToken).toBe((2 + 4 + 4 + 4) * 64 * 2);
  });

  test("leaves out blocks that predict further tokens", () => {
    const mtp = model({ layers: [layer(0, attention()), layer(1, attention(), { mtp: true })] });
    expect(estimate(mtp).totals.cache).toBe(8192 * CELL_BYTES);
  });

  test.each([
    ["where a layer is not known", [layer(0, { kind: "unknown" })]],
    ["where no layer is", []],
  ])("is null, never 0, %s", (_, layers) => {
    const memory = estimate(model({ layers }));
    expect(memory.totals.cache).toBeNull();
    expect(memory.totals.total).toBeNull();
    expect(memory.cachePerToken).toBeNull();
    expect(memory.diagnostics.map(({ code }) => code)).toContain("unknown-cache");
  });
});

describe("what llama.cpp refuses", () => {
  test.each([
    [{ cacheTypeV: "q8_0", flashAttention: "off" }, /flash attention/],
    [{ sequences: 257 }, /at most 256 sequences/],
    [{ threads: 513 }, /at most 512 threads/],
  ] as const)("%j", (workload, message) => {
    expect(() => estimate(model(), workload)).toThrow(message);
  });

  test.each([
    ["t5", { sequences: 2 }, /one sequence/],
    ["kimi-linear", { sequences: 3 }, /microBatchTokens that 3 divides/],
    ["minimax-01", { sequences: 3 }, /microBatchTokens that 3 divides/],
    ["eagle3", { embeddings: true }, /none to put out/],
  ] as const)("what it breaks off on: %s with %j", (architecture, workload, message) => {
    const recurrent = { kind: "recurrent", family: "kimi-delta-attention", state: [] } as const;
    const drawn = model({ architecture, layers: [layer(0, attention({})), layer(1, recurrent)] });
    expect(() => estimate(drawn, { contextTokens: 5000, ...workload })).toThrow(message);
    expect(() => estimate(drawn, { contextTokens: 5000, sequences: 3, unifiedCache: true })).not.toThrow();
  });

  test("uneven sequences only where a layer before the last attends", () => {
    const recurrent = { kind: "recurrent", family: "lightning-attention", state: [] } as const;
    const last = model({ architecture: "minimax-01", layers: [layer(0, recurrent), layer(1, attention({}))] });
    expect(() => estimate(last, { contextTokens: 5000, sequences: 3 })).not.toThrow();
  });

  test.each([
    { sequences: 5, batchTokens: 4 },
    { sequences: 5, contextTokens: 4 },
    { sequences: 5, outputs: 4 },
    { sequences: 5, batchTokens: 4, preset: "server" },
  ] as const)("more sequences than a batch puts out tokens: %j", (workload) => {
    const tooFew = "outputs" in workload ? "outputs" : "contextTokens" in workload ? "contextTokens" : "batchTokens";
    expect(() => estimate(model(), workload)).toThrow(`at most 4 tokens: ${tooFew} must be at least 5`);
    expect(() => estimate(model(), { ...workload, sequences: 4 })).not.toThrow();
  });

  test("quantized rows that blocks do not divide", () => {
    const odd = model({ layers: [layer(0, attention({ keyDim: 80, valueDim: 80 }))] });
    expect(() => estimate(odd, { cacheTypeK: "q8_0" })).toThrow(/blocks of 32 do not divide the head size 80/);
    expect(() => estimate(odd, { cacheTypeK: "q8_0", flashAttention: "off" })).toThrow(/head size 80/);
  });

  test("but not in an encoder without flash attention, which keeps none", () => {
    const layers = [layer(0, attention({ keyDim: 80, valueDim: 80, causal: false }))];
    const encoder = model({ layers, causal: false });
    expect(() => estimate(encoder, { cacheTypeK: "q8_0" })).toThrow(/head size 80/);
    expect(estimate(encoder, { cacheTypeK: "q8_0", flashAttention: "off" }).totals.cache).toBe(0);
  });
});

describe("the weights of llama.cpp", () => {
  const tensors = [
    tensor("token_embd.weight", { dtype: "Q4_K", shape: [512, 1000], bytes: 288_000, component: "embedding" }),
    tensor("blk.0.attn_q.weight", { bytes: 100 }),
    tensor("blk.0.ffn_down.weight", { dtype: "Q8_0", shape: [544, 10], bytes: 5780, component: "feedForward" }),
    tensor("blk.2.nextn.eh_proj.weight", { bytes: 9999, component: "mtp" }),
  ];

  test("are padded to 32 bytes on a CPU, without the blocks that predict further tokens", () => {
    expect(estimate(model({ tensors })).totals.weights).toBe(288_000 + 128 + 5792);
  });

  test("keep the embedding on the CPU side, and pad quantized rows on CUDA", () => {
    const memory = estimate(model({ tensors }), { devices: GPU });
    // 544 columns are 32 beyond 512: 480 more, 15 blocks of 34 bytes; then to 128.
    const down = Math.ceil((5780 + 15 * 34) / 128) * 128;
    expect(memory.devices.map(({ name, weights }) => [name, weights])).toEqual([
      ["GPU0", 128 + down],
      ["CPU", 288_000],
    ]);
  });

  test("copy a tied embedding to the GPU", () => {
    const memory = estimate(model({ tensors, tiedEmbeddings: true }), { devices: GPU });
    expect(memory.items.filter(({ label }) => label.includes("copy")).map(({ bytes }) => bytes)).toEqual([288_000]);
    expect(estimate(model({ tensors, tiedEmbeddings: true })).totals.weights).toBe(288_000 + 128 + 5792);
  });
});

describe("every estimate", () => {
  test("sums to its totals, per device and in all", () => {
    const memory = estimate(model({ tensors: [tensor("blk.0.attn_q.weight")] }), { devices: GPU });
    const sum = memory.items.reduce((bytes, item) => bytes + item.bytes, 0);
    expect(memory.totals.total).toBe(sum);
    expect(memory.devices.reduce((bytes, device) => bytes + (device.total ?? 0), 0)).toBe(sum);
    for (const item of memory.items) expect(item.low !== undefined).toBe(item.certainty === "estimate");
  });

  test("is exact of models alone: an adapter goes by the architecture it is for", () => {
    const adapter = model({ layers: [], layerCount: null, tensors: [tensor("blk.0.attn_q.weight.lora_a")] });
    expect(estimate(model({ tensors: [tensor("blk.0.attn_q.weight")] })).items[0]?.certainty).toBe("exact");
    expect(estimate(adapter).items[0]?.certainty).toBe("derived");
  });

  test("returns the workload with its defaults", () => {
    expect(estimate(model(), { preset: "server" }).workload).toMatchObject({
      sequences: 4,
      unifiedCache: true,
      microBatchTokens: 512,
    });
    expect(estimate(model(), { preset: "library" }).workload).toMatchObject({
      contextTokens: 512,
      fullSlidingWindowCache: true,
    });
  });
});
