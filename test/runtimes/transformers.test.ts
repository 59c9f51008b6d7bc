import { describe, expect, test } from "vitest";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { TransformersWorkload } from "../../src/runtimes/transformers/workload.ts";
import { attention, DEEPSEEK_V3, layer, model, tensor } from "../support/model.ts";

const made = (changes: Parameters<typeof model>[0] = {}) =>
  model({ format: "safetensors", tensors: [tensor("w", { dtype: "BF16" })], ...changes });
const estimate = (of: ReturnType<typeof model>, workload: Omit<TransformersWorkload, "runtime"> = {}) =>
  estimateMemory(of, { runtime: "transformers", ...workload });

describe("the cache of transformers", () => {
  test("holds every token of every sequence, unpadded", () => {
    expect(estimate(made(), { contextTokens: 100, sequences: 3 }).totals.cache).toBe(2 * 3 * 100 * 2 * (64 + 64) * 2);
  });

  test("keeps window - 1 tokens between steps, a whole window when static", () => {
    const sliding = made({ layers: [layer(0, attention({ window: { kind: "sliding", tokens: 512 } }))] });
    expect(estimate(sliding, { contextTokens: 4096 }).totals.cache).toBe(511 * 2 * 128 * 2);
    expect(estimate(sliding, { contextTokens: 4096, cache: "static" }).totals.cache).toBe(512 * 2 * 128 * 2);
    expect(estimate(sliding, { contextTokens: 100 }).totals.cache).toBe(100 * 2 * 128 * 2);
  });

  test("stores latents since 5.15.0 and expanded heads before (DeepSeek-V3: 70,272 and 4,997,120 bytes per token)", () => {
    const deepseek = made({ layers: Array.from({ length: 61 }, (_, index) => layer(index, DEEPSEEK_V3)) });
    expect(estimate(deepseek).cachePerToken).toBe(70_272);
    expect(estimate(deepseek, { version: "5.14.1" }).cachePerToken).toBe(4_997_120);
    expect(estimate(deepseek, { version: "5.15" }).cachePerToken).toBe(70_272);
  });
});

describe("the cache over an encoder", () => {
  const cross = { kind: "cross", heads: 8, kvHeads: 4, keyDim: 64, valueDim: 64, encoderTokens: null } as const;
  const withCross = (encoderTokens: number | null) =>
    made({ layers: [layer(0, attention(), { cross: { ...cross, encoderTokens } })] });
  const own = (tokens: number): number => tokens * 2 * 128 * 2;
  const over = (tokens: number): number => tokens * 4 * 128 * 2;

  test("holds as many tokens as the prompt, beside the context of the decoder", () => {
    const workload = { contextTokens: 100, promptTokens: 30, sequences: 3 };
    expect(estimate(withCross(null), workload).totals.cache).toBe(3 * (own(100) + over(30)));
  });

  test("takes a prompt as long as the context where none is given", () => {
    expect(estimate(withCross(null), { contextTokens: 100 }).totals.cache).toBe(own(100) + over(100));
    expect(estimate(withCross(null), { contextTokens: 100 }).workload["promptTokens"]).toBe(100);
  });

  test("is as long as the model fixes it, whatever the prompt", () => {
    const workload = { contextTokens: 100, promptTokens: 30 };
    expect(estimate(withCross(1500), workload).totals.cache).toBe(own(100) + over(1500));
  });

  test("does not grow with the tokens of the decoder", () => {
    expect(estimate(withCross(null), { contextTokens: 100 }).cachePerToken).toBe(own(1));
  });

  test("is all there is of a layer that attends to nothing else", () => {
    const image = made({ layers: [layer(0, { ...cross, encoderTokens: 20 })] });
    expect(estimate(image, { contextTokens: 100 }).totals.cache).toBe(over(20));
  });
});

describe("the weights of transformers", () => {
  test("hold one embedding for encoder and decoder, however often it is stored", () => {
    const names = ["shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"];
    const stored = made({
      tensors: names.map((name) => tensor(name)),
      encoder: { layerCount: 1, weightBytes: 0 },
    });
    expect(estimate(stored, { contextTokens: 1, dtype: "float16" }).items[0]?.bytes).toBe(262_144 * 2);
  });

  test("include the positions that Marian makes on loading, unless they are stored", () => {
    const marian = { architecture: "marian", trainedContext: 128, hiddenSize: 512 };
    const [bare, stored] = [["w"], ["w", "model.encoder.embed_positions.weight"]].map(
      (names) =>
        estimate(made({ ...marian, tensors: names.map((name) => tensor(name)) }), { dtype: "float16" }).items[0]?.bytes,
    );
    expect(bare).toBe(262_144 * 2 + 2 * 128 * 512 * 2);
    expect(stored).toBe(2 * 262_144 * 2);
  });

  test("are converted to the type config.json names", () => {
    const stored = made({
      tensors: [tensor("w", { dtype: "F32", bytes: 1_048_576 })],
      metadata: { torch_dtype: "bfloat16" },
    });
    expect(estimate(stored).items[0]?.bytes).toBe(262_144 * 2);
    expect(estimate(stored, { dtype: "float32" }).items[0]?.bytes).toBe(262_144 * 4);
  });

  test("stay as stored when packed", () => {
    const packed = made({
      tensors: [tensor("w.qweight", { dtype: "I32", bytes: 777 }), tensor("w.scales", { bytes: 88 })],
      quantization: { method: "gptq", bitsPerWeight: 4 },
    });
    expect(estimate(packed).items[0]?.bytes).toBe(777 + 88);
  });

  // As the conformance run of the gpt-oss and FP8 fixtures found it on a CPU.
  test.each([
    ["mxfp4", tensor("mlp.experts.down_proj_blocks", { dtype: "U8", elements: 50, parameters: 100, bytes: 50 }), 4],
    ["fp8", tensor("mlp.up_proj.weight", { dtype: "F8_E4M3", elements: 100, parameters: 100, bytes: 100 }), 8],
  ])("are unpacked where there is no CUDA device (%s)", (method, packed, scaleBytes) => {
    const scale = tensor("scale", { dtype: "F32", elements: 2, parameters: 0, bytes: scaleBytes });
    const norm = tensor("norm.weight", { dtype: "BF16", elements: 10, parameters: 10, bytes: 20 });
    const quantized = made({ tensors: [norm, packed, scale], quantization: { method, bitsPerWeight: 4 } });
    expect(estimate(quantized).items[0]?.bytes).toBe(2 * (100 + 10));
    const cuda = [{ name: "GPU0", kind: "cuda" }] as const;
    expect(estimate(quantized, { devices: cuda }).items[0]?.bytes).toBe(packed.bytes + scaleBytes + 20);
  });

  test("hold a tied output matrix once", () => {
    const tensors = [
      tensor("model.embed_tokens.weight", { dtype: "BF16" }),
      tensor("lm_head.weight", { dtype: "BF16" }),
    ];
    expect(estimate(made({ tensors, tiedEmbeddings: true })).items[0]?.bytes).toBe(524_288);
    expect(estimate(made({ tensors })).items[0]?.bytes).toBe(2 * 524_288);
  });
});
