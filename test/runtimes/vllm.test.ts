import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FIXTURE_FILES } from "../../conformance/paths.ts";
import { modelOfConfig } from "../../conformance/transformers/model-types.ts";
import { MODELS } from "../../conformance/vllm/models.ts";
import { inspectModel } from "../../src/inspect.ts";
import type { Model } from "../../src/model/model.ts";
import type { MemoryEstimate } from "../../src/runtimes/estimate.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { fitDevices } from "../../src/runtimes/fit.ts";
import { captureSizes } from "../../src/runtimes/vllm/overhead.ts";
import { stageLayers } from "../../src/runtimes/vllm/shards.ts";
import type { VllmWorkload } from "../../src/runtimes/vllm/workload.ts";

const GIB = 1024 ** 3;
const llama = await inspectModel(join(FIXTURE_FILES, "safetensors/llama-3"));
const large = await modelOfConfig(MODELS["Llama-3.1-8B"] ?? {});

function weigh(model: Model, options: Omit<VllmWorkload, "runtime"> = {}): MemoryEstimate {
  return estimateMemory(model, { runtime: "vllm", ...options });
}

const gpu = (memoryBytes: number) => [{ name: "GPU0", kind: "cuda", memoryBytes }] as const;

describe("the pool", () => {
  it("takes what the rest leaves of the share of a device, so that the total hardly varies", () => {
    const { totals, capacity } = weigh(large, { contextTokens: 8192, devices: gpu(24 * GIB), enforceEager: true });
    expect(capacity?.certainty).toBe("estimate");
    expect(capacity?.low).toBeLessThan(capacity?.concurrency ?? 0);
    expect(capacity?.high).toBeGreaterThan(capacity?.concurrency ?? 0);
    expect(Math.abs(totals.low / GIB - 24 * 0.92)).toBeLessThan(0.01);
    expect(Math.abs((totals.high ?? 0) / GIB - 24 * 0.92)).toBeLessThan(0.01);
  });

  it("is beside the graphs before 0.20, which leaves more of it", () => {
    const of = (version: string) =>
      weigh(large, { contextTokens: 8192, devices: gpu(24 * GIB), gpuMemoryUtilization: 0.9, version }).capacity
        ?.blocks;
    expect(of("0.19.1")).toBeGreaterThan(of("0.20.2") ?? 0);
  });

  it("is the given one, whole blocks of it, with what it holds", () => {
    const { capacity, totals } = weigh(large, { contextTokens: 8192, availableCacheBytes: 10 * GIB + 5 });
    expect(capacity).toMatchObject({ blocks: 5120, concurrency: 10, tokens: 81_920, tokensAsOldLogs: 81_920 });
    expect(totals.cache).toBe(10 * GIB);
  });

  it("that cannot hold one request says how much that takes and which context fits", () => {
    const estimate = weigh(large, { contextTokens: 8192, availableCacheBytes: GIB, devices: gpu(80 * GIB) });
    const note = estimate.diagnostics.find(({ code }) => code === "does-not-start");
    expect(note?.message).toContain("the largest context that fits is 8176 tokens");
    expect(fitDevices(estimate, gpu(80 * GIB))[0]?.verdict).toBe("too-large");
  });

  it("is not there without the memory of a device: the cache is what the requests hold", () => {
    const estimate = weigh(large, { contextTokens: 8192, sequences: 3 });
    expect(estimate.capacity).toBeUndefined();
    expect(estimate.totals.cache).toBe(3 * GIB);
    expect(estimate.cachePerSequence).toBe(GIB);
  });
});

describe("ranks", () => {
  it("have a device each, with their share of weights and cache", () => {
    const one = weigh(llama, { contextTokens: 4096 });
    const two = weigh(llama, { contextTokens: 4096, pipelineParallel: 3 });
    expect(two.devices.map(({ name }) => name)).toEqual(["GPU0", "GPU1", "GPU2"]);
    expect(two.totals.weights).toBe(one.totals.weights);
    expect(two.totals.cache).toBe(one.totals.cache);
  });

  it("spread experts whole over all of them with expert parallelism", async () => {
    const mixtral = await inspectModel(join(FIXTURE_FILES, "safetensors/mixtral"));
    const split = weigh(mixtral, { contextTokens: 64, tensorParallel: 2 }).totals.weights;
    const whole = weigh(mixtral, { contextTokens: 64, tensorParallel: 2, expertParallel: true }).totals.weights;
    expect(whole).toBe(split);
    const copies = weigh(mixtral, { contextTokens: 64, dataParallel: 2 }).totals.weights;
    expect(weigh(mixtral, { contextTokens: 64, dataParallel: 2, expertParallel: true }).totals.weights).toBeLessThan(
      copies,
    );
  });

  it("give layers that do not divide to the stages before the last", () => {
    expect(stageLayers(32, 3)).toEqual([11, 11, 10]);
    expect(stageLayers(61, 4)).toEqual([15, 15, 16, 15]);
  });
});

describe("CUDA graphs", () => {
  it.each([
    [512, 51],
    [256, 35],
    [2, 2],
  ])("for batches up to %i are captured for %i sizes, as start-up logs say", (largest, sizes) => {
    expect(captureSizes(largest)).toBe(sizes);
  });
});

describe("options that vLLM would not take", () => {
  it.each([
    [{ tensorParallel: 3 }, /32 attention heads do not divide by 3 ranks/],
    [{ pipelineParallel: 33 }, /33 stages are more than 32 layers/],
    [{ speculativeTokens: 2 }, /no MTP layers/],
    [{ blockTokens: 24 }, /blockTokens must be a positive multiple of 16/],
    [{ gpuMemoryUtilization: 1.5 }, /gpuMemoryUtilization must be a number above 0, at most 1, got 1.5/],
    [{ devices: [{ name: "CPU", kind: "cpu" }] }, /those of CUDA devices/],
    [{ tensorParallel: 8192 }, /more than 4096/],
    [{ kvCacheType: "q8_0" }, /kvCacheType must be one of/],
  ] as const)("%o", (options, message) => {
    expect(() => weigh(large, options as Omit<VllmWorkload, "runtime">)).toThrow(message);
  });

  it("are refused where a state for every block would be kept", async () => {
    const lfm2 = await modelOfConfig(MODELS["LFM2-1.2B"] ?? {});
    expect(() => weigh(lfm2, { version: "0.26.0" })).toThrow(/prefixCaching to false/);
    expect(weigh(lfm2, { version: "0.26.0", prefixCaching: false }).cachePerToken).toBe(6 * 8 * 128 * 2);
  });
});

describe("a model that cannot be weighed whole", () => {
  it("has no cache, and says so, where latents are compressed", async () => {
    const model = await modelOfConfig({
      model_type: "deepseek_v4",
      architectures: ["DeepseekV4ForCausalLM"],
      num_hidden_layers: 2,
    });
    const { totals, diagnostics } = weigh(model, { contextTokens: 4096 });
    expect(totals.cache).toBeNull();
    expect(diagnostics.map(({ code }) => code)).toContain("unknown-cache");
  });
});
