import { describe, expect, test } from "vitest";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { fitDevices } from "../../src/runtimes/fit.ts";
import type { MlxWorkload } from "../../src/runtimes/mlx/workload.ts";
import { runtimesFor } from "../../src/runtimes/runtimes-for.ts";
import { attention, DEEPSEEK_V3, layer, model, tensor } from "../support/model.ts";

const GIB = 1024 ** 3;
const embedding = tensor("model.embed_tokens.weight", { dtype: "BF16", component: "embedding" });
const made = (changes: Parameters<typeof model>[0] = {}) =>
  model({ format: "safetensors", architecture: "qwen3", tensors: [embedding], ...changes });
const estimate = (of: ReturnType<typeof model>, workload: Omit<MlxWorkload, "runtime"> = {}) =>
  estimateMemory(of, { runtime: "mlx", ...workload });
const cacheOf = (of: ReturnType<typeof model>, workload: Omit<MlxWorkload, "runtime">) =>
  estimate(of, workload).totals.cache;

/** Two layers of 2 heads of 64, in 16 bits. */
const TOKEN_BYTES = 2 * 2 * (64 + 64) * 2;

const sliding = (tokens: number) => [layer(0, attention({ window: { kind: "sliding", tokens } }))];

describe("the cache of mlx-lm", () => {
  test("has room for whole steps of 256 tokens", () => {
    expect(cacheOf(made(), { contextTokens: 1 })).toBe(256 * TOKEN_BYTES);
    expect(cacheOf(made(), { contextTokens: 256 })).toBe(256 * TOKEN_BYTES);
    expect(cacheOf(made(), { contextTokens: 257, sequences: 3 })).toBe(3 * 512 * TOKEN_BYTES);
  });

  test("has room left over where the prompt is read in steps that 256 does not divide", () => {
    const workload = { contextTokens: 604, promptTokens: 601, prefillStepSize: 100 };
    expect(cacheOf(made(), workload)).toBe(656 * TOKEN_BYTES);
  });

  test("packs every vector in groups with a scale and a bias, from the tokens on that it is asked for", () => {
    const packed = 2 * 2 * 2 * (32 + 2 * 2);
    expect(cacheOf(made(), { contextTokens: 8192, kvBits: 4 })).toBe(8192 * packed);
    expect(cacheOf(made(), { contextTokens: 4096, kvBits: 4 })).toBe(4096 * TOKEN_BYTES);
    expect(cacheOf(made(), { contextTokens: 4096, kvBits: 4, quantizedKvStart: 0 })).toBe(4096 * packed);
  });

  test("rotates by maxKvSize where the model makes no caches of its own, and takes no notice elsewhere", () => {
    expect(cacheOf(made(), { contextTokens: 8192, maxKvSize: 1000 })).toBe(1000 * TOKEN_BYTES);
    expect(cacheOf(made({ architecture: "llama" }), { contextTokens: 8192, maxKvSize: 1000 })).toBe(8192 * TOKEN_BYTES);
  });

  test("holds a step of the prompt beside the window until the answer begins", () => {
    const { items, totals } = estimate(made({ architecture: "gemma3_text", layers: sliding(512) }));
    expect(totals.cache).toBe((512 * TOKEN_BYTES) / 2);
    const beyond = items.find(({ label }) => label.startsWith("caches while the prompt is read"));
    expect(beyond).toMatchObject({ component: "compute", bytes: ((511 + 2048 - 512) * TOKEN_BYTES) / 2 });
  });

  test("is plain until the step of the prompt that reaches quantizedKvStart ends", () => {
    const { items, totals } = estimate(made(), { contextTokens: 8192, kvBits: 4 });
    const beyond = items.find(({ label }) => label.startsWith("caches while the prompt is read"));
    expect(beyond?.bytes).toBe(6144 * TOKEN_BYTES - (totals.cache ?? 0));
  });

  test("ignores a window that layer_types does not name (Mistral runs as llama)", () => {
    const mistral = made({ architecture: "mistral", layers: sliding(512) });
    expect(cacheOf(mistral, { contextTokens: 8192 })).toBe((8192 * TOKEN_BYTES) / 2);
    const listed = { ...mistral, metadata: { layer_types: ["sliding_attention"] } };
    expect(cacheOf(listed, { contextTokens: 8192 })).toBe((512 * TOKEN_BYTES) / 2);
  });

  test("is counted as fast for a step of one token as for any other", () => {
    const workload = { contextTokens: 2 ** 31 - 1, prefillStepSize: 1 };
    expect(cacheOf(made({ layers: sliding(64) }), { ...workload, maxKvSize: 2 ** 30 })).toBe(2 ** 30 * 512);
  });
});

describe("mlx-lm breaks off", () => {
  test.each([
    ["rotating caches", { architecture: "gemma3_text", layers: sliding(512) }, { kvBits: 8 }],
    ["latents", { architecture: "deepseek_v3", layers: [layer(0, DEEPSEEK_V3)] }, { kvBits: 8 }],
    ["caches that maxKvSize makes rotate", {}, { kvBits: 8, maxKvSize: 1000 }],
    ["several sequences", {}, { kvBits: 8, sequences: 2 }],
    ["heads that no group divides", { layers: [layer(0, attention({ keyDim: 80, valueDim: 80 }))] }, { kvBits: 8 }],
    ["attention of its own", { architecture: "gemma2" }, { kvBits: 8 }],
  ] as const)("on packing %s", (_, changes, workload) => {
    expect(() => estimate(made(changes), workload)).toThrow(expect.objectContaining({ code: "unsupported-option" }));
  });

  test("on several sequences of a chunked cache", () => {
    const chunked = layer(0, attention({ window: { kind: "chunked", tokens: 8192 } }));
    expect(() => estimate(made({ architecture: "llama4", layers: [chunked] }), { sequences: 2 })).toThrow(
      "its ChunkedKVCache takes no more",
    );
  });

  test("on nothing where a layer's second cache keeps the first from being packed", () => {
    const indexed = layer(0, { ...DEEPSEEK_V3, indexer: { heads: 2, keyDim: 128 } });
    const of = made({ architecture: "deepseek_v32", layers: [indexed] });
    expect(cacheOf(of, { contextTokens: 8192, kvBits: 8 })).toBe(8192 * (512 + 64 + 2 * 128) * 2);
  });
});

describe("a workload for mlx", () => {
  test.each([
    [{ kvBits: 7 }, "options.kvBits must be one of 1, 2, 3, 4, 5, 6, 8, got 7"],
    [{ kvGroupSize: 16 }, "options.kvGroupSize must be one of 32, 64, 128, got 16"],
    [{ maxKvSize: 4 }, "options.maxKvSize must be more than the 4 tokens at the start that mlx-lm keeps, got 4"],
    [{ prefillStepSize: 0 }, "options.prefillStepSize must be a positive integer"],
  ])("%j is refused", (workload, message) => {
    expect(() => estimate(made(), workload as Omit<MlxWorkload, "runtime">)).toThrow(message);
  });

  test("has no prompt longer than the context", () => {
    expect(estimate(made(), { contextTokens: 10, promptTokens: 11 }).workload["promptTokens"]).toBe(10);
  });

  test("has mlx-lm's defaults", () => {
    expect(estimate(made()).workload).toMatchObject({
      contextTokens: 8192,
      promptTokens: 8192,
      kvGroupSize: 64,
      quantizedKvStart: 5000,
      prefillStepSize: 2048,
    });
  });
});

describe("a model for mlx", () => {
  test("that mlx-lm packed is weighed for it alone, as stored", () => {
    const packed = made({ quantization: { method: "mlx", bitsPerWeight: 4.5 } });
    expect(runtimesFor(packed)).toEqual(["mlx"]);
    expect(estimate(packed).totals.weights).toBe(524_288);
  });

  test("of a type that mlx-lm does not have keeps its weights and says so", () => {
    const { totals, diagnostics } = estimate(made({ architecture: "made-up" }));
    expect(totals).toMatchObject({ weights: 524_288, cache: null, total: null });
    expect(diagnostics.map(({ code }) => code)).toEqual(["unsupported-runtime", "unknown-cache"]);
  });

  test("packed by what mlx-lm cannot read says so", () => {
    const packed = made({ quantization: { method: "bitsandbytes", bitsPerWeight: 4.5 } });
    expect(estimate(packed).diagnostics[0]?.message).toContain("has no code for qwen3 weights packed by bitsandbytes");
  });

  test("loses what it does not run: other modalities, further tokens, tied matrices, rotary tables", () => {
    const tensors = [
      embedding,
      tensor("vision_tower.w", { component: "vision" }),
      tensor("model.layers.2.w", { component: "mtp" }),
      tensor("lm_head.weight", { component: "output" }),
      tensor("model.layers.0.self_attn.rotary_emb.inv_freq"),
    ];
    expect(estimate(made({ tensors, tiedEmbeddings: true })).totals.weights).toBe(524_288);
    expect(estimate(made({ tensors })).totals.weights).toBe(2 * 524_288);
  });

  test("in FP8 is unpacked to bfloat16 by the modules that know how", () => {
    const tensors = [
      tensor("w.weight", { dtype: "F8_E4M3", parameters: 100, bytes: 100 }),
      tensor("w.weight_scale_inv", { dtype: "F32", parameters: 0, bytes: 4 }),
    ];
    const fp8 = made({ tensors, quantization: { method: "fp8", bitsPerWeight: 8 } });
    expect(estimate({ ...fp8, architecture: "deepseek_v3" }).totals.weights).toBe(200);
    expect(estimate(fp8).diagnostics[0]?.code).toBe("unsupported-runtime");
  });

  test("packed in integers of 4 bits gets biases beside its scales (Kimi K2)", () => {
    const tensors = [
      tensor("w.weight_packed", { dtype: "I32", bytes: 512 }),
      tensor("w.weight_scale", { dtype: "BF16", parameters: 0, bytes: 64 }),
      tensor("w.weight_shape", { dtype: "I64", parameters: 0, bytes: 16 }),
    ];
    const quantization = { method: "compressed-tensors", bitsPerWeight: 4 };
    expect(estimate(made({ architecture: "kimi_k2", tensors, quantization })).totals.weights).toBe(512 + 2 * 64);
  });

  test("packed by AWQ gets biases as large as its scales for its zero points", () => {
    const tensors = [
      tensor("w.qweight", { dtype: "I32", bytes: 512 }),
      tensor("w.qzeros", { dtype: "I32", bytes: 4 }),
      tensor("w.scales", { dtype: "F16", elements: 8, bytes: 16 }),
      tensor("norm.weight", { dtype: "F32", elements: 10, bytes: 40 }),
    ];
    const awq = made({ tensors, quantization: { method: "awq", bitsPerWeight: 4 } });
    expect(estimate(awq).totals.weights).toBe(512 + 2 * 16 + 20);
  });
});

describe("unified memory", () => {
  const metal = (memoryBytes: number) => [{ name: "GPU0", kind: "metal", memoryBytes }] as const;
  const weighing = (weightBytes: number) => made({ tensors: [tensor("w", { dtype: "BF16", bytes: weightBytes })] });

  test.each([
    [9 * GIB, "fits"],
    [12 * GIB, "close"],
    [17 * GIB, "too-large"],
  ])("of 16 GiB, for weights of %d bytes: %s", (weightBytes, verdict) => {
    const devices = metal(16 * GIB);
    const [fit] = fitDevices(estimate(weighing(weightBytes), { contextTokens: 256, devices }), devices);
    expect(fit?.verdict).toBe(verdict);
  });

  // exo-explore/exo pull request 1672: 10.67 GB of 16 on an M4; raullenchai/Rapid-MLX pull request 183: 72 of 96.
  test.each([
    [16, 10.67],
    [96, 72],
  ])("of %d GiB the GPU surely gets %d", (gib, usable) => {
    const devices = metal(gib * GIB);
    const memory = estimate(made(), { devices });
    expect((fitDevices(memory, devices)[0]?.capacityBytes ?? 0) / GIB).toBeCloseTo(usable, 2);
    expect(memory.diagnostics.map(({ where }) => where)).toContain("GPU0");
  });

  test("keeps no scores where Metal has a kernel for the heads", () => {
    const compute = (kind: "cpu" | "metal", keyDim: number): number => {
      const of = made({ layers: [layer(0, attention({ keyDim, valueDim: keyDim }))] });
      return estimate(of, { devices: [{ name: "D", kind }] }).totals.compute ?? 0;
    };
    const scores = 1.5 * 8 * 2048 * 8192 * 2;
    expect(compute("cpu", 128) - compute("metal", 128)).toBe(scores);
    expect(compute("metal", 256)).toBe(compute("cpu", 256));
  });
});
