import { describe, expect, test } from "vitest";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { TransformersWorkload } from "../../src/runtimes/transformers/workload.ts";
import { attention, layer, model, tensor } from "../support/model.ts";

const made = (changes: Parameters<typeof model>[0] = {}) =>
  model({ format: "safetensors", tensors: [tensor("w", { dtype: "BF16" })], ...changes });
const estimate = (of: ReturnType<typeof model>, workload: Omit<TransformersWorkload, "runtime"> = {}) =>
  estimateMemory(of, { runtime: "transformers", ...workload });
const sliding = made({ layers: [layer(0, attention({ window: { kind: "sliding", tokens: 512 } }))] });
const cuda = [{ name: "GPU0", kind: "cuda" }] as const;

describe("prompt and new tokens", () => {
  test("fill the context: the prompt all of it, unless tokens are made", () => {
    expect(estimate(made(), { contextTokens: 100 }).workload).toMatchObject({ promptTokens: 100, newTokens: 0 });
    expect(estimate(made(), { contextTokens: 100, newTokens: 30 }).workload).toMatchObject({ promptTokens: 70 });
    expect(estimate(made(), { contextTokens: 100, promptTokens: 30 }).workload).toMatchObject({ newTokens: 70 });
    expect(estimate(made(), { promptTokens: 30, newTokens: 12 }).workload).toMatchObject({ contextTokens: 42 });
  });

  test("are refused where they do not fit", () => {
    const wrong = { contextTokens: 100, promptTokens: 30, newTokens: 12 };
    expect(() => estimate(made(), wrong)).toThrow("30 and 12 make 42, not 100");
    expect(() => estimate(made(), { contextTokens: 100, newTokens: 100 })).toThrow("ask for more context");
    expect(() => estimate(made(), { contextTokens: 100, promptTokens: 101 })).toThrow("ask for more context");
  });

  test("need less than a prompt as long as both", () => {
    const whole = estimate(made(), { contextTokens: 4096 }).totals;
    const parts = estimate(made(), { contextTokens: 4096, newTokens: 3000 }).totals;
    expect(parts.cache).toBe(whole.cache);
    expect(parts.compute).toBeLessThan(whole.compute ?? 0);
  });
});

describe("windows", () => {
  test("keep the whole prompt alive until the next token", () => {
    const { items, totals } = estimate(sliding, { contextTokens: 4096 });
    const kept = items.find(({ label }) => label.startsWith("prompt kept by windows"));
    expect(kept?.bytes).toBe((4096 - 511) * 2 * 128 * 2);
    expect(totals.cache).toBe(511 * 2 * 128 * 2);
  });

  test("keep nothing of a static cache, nor of a prompt shorter than they are", () => {
    for (const workload of [{ contextTokens: 4096, cache: "static" }, { contextTokens: 511 }] as const) {
      const { items } = estimate(sliding, workload);
      expect(items.some(({ label }) => label.startsWith("prompt kept"))).toBe(false);
    }
  });
});

describe("attention", () => {
  test("written out holds scores of all pairs of tokens", () => {
    const [one = 0, two = 0] = [1000, 2000].map(
      (contextTokens) => estimate(made(), { contextTokens, attention: "eager" }).totals.compute ?? 0,
    );
    expect(two / one).toBeGreaterThan(3.5);
    expect(one).toBeGreaterThan(estimate(made(), { contextTokens: 1000 }).totals.compute ?? 0);
  });

  test("is written out by models that have no kernel, and a kernel is refused", () => {
    const gemma2 = made({ architecture: "gemma2" });
    expect(estimate(gemma2).workload["attention"]).toBe("eager");
    expect(() => estimate(gemma2, { attention: "sdpa" })).toThrow('gemma2 has no attention "sdpa"');
  });
});

describe("beams", () => {
  test("have a cache each, as derived", () => {
    const [one, four] = [1, 4].map((beams) => estimate(made({ architecture: "llama" }), { contextTokens: 100, beams }));
    expect(four?.totals.cache).toBe(4 * (one?.totals.cache ?? 0));
    const certainties = [one, four].map(
      (each) => each?.items.find(({ component }) => component === "cache")?.certainty,
    );
    expect(certainties).toEqual(["exact", "derived"]);
  });
});

describe("a quantized cache", () => {
  test("is refused by layers with a window, and for groups that do not fill", () => {
    expect(() => estimate(sliding, { cache: "quantized" })).toThrow("full attention only");
    const narrow = made({ layers: [layer(0, attention({ kvHeads: 1, keyDim: 24, valueDim: 24 }))] });
    expect(() => estimate(narrow, { cache: "quantized", contextTokens: 5 })).toThrow("groups of 64");
  });
});

describe("the caching allocator", () => {
  test("rounds tensors to blocks, and leaves the ends of segments on CUDA alone", () => {
    const tensors = [
      tensor("w", { dtype: "U8", elements: 11 * 1024 ** 2 + 1, parameters: 0, bytes: 11 * 1024 ** 2 + 1 }),
    ];
    const packed = made({ tensors, quantization: { method: "gptq", bitsPerWeight: 4 } });
    const ends = (devices: TransformersWorkload["devices"]) =>
      estimate(packed, { contextTokens: 1, ...(devices && { devices }) }).items.find(({ label }) =>
        label.includes("allocator"),
      );
    expect(ends(undefined)).toBeUndefined();
    expect(ends(cuda)).toMatchObject({ low: 511, high: 1024 ** 2 - 1 });
  });
});
