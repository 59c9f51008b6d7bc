import { describe, expect, test } from "vitest";
import { isInspectError } from "../../src/errors.ts";
import { weigh } from "../../src/report/weigh.ts";
import type { Device } from "../../src/runtimes/device.ts";
import type { Capacity } from "../../src/runtimes/estimate.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { fitDevices, weighedDevices } from "../../src/runtimes/fit.ts";
import { largestContext } from "../../src/runtimes/largest-context.ts";
import { runtimesFor } from "../../src/runtimes/runtimes-for.ts";
import type { Workload } from "../../src/runtimes/workload.ts";
import { attention, layer, model, tensor } from "../support/model.ts";

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("asking for an estimate", () => {
  test("names the runtimes that can load the format", () => {
    const error = thrownBy(() => estimateMemory(model(), { runtime: "transformers" }));
    expect(isInspectError(error, "unsupported-runtime")).toBe(true);
    expect(String(error)).toContain("transformers does not load gguf files; llama.cpp does");
    const stored = model({ format: "safetensors" });
    expect(runtimesFor(stored)).toEqual(["transformers", "vllm", "tensorrt-llm", "mlx", "training"]);
    expect(() => estimateMemory(stored, { runtime: "llama.cpp" })).toThrow(
      "llama.cpp does not load safetensors files; transformers, vllm, tensorrt-llm, mlx, training do",
    );
  });

  test("leaves what mlx-lm has packed to mlx", () => {
    const packed = model({ format: "safetensors", quantization: { method: "mlx", bitsPerWeight: 4.5 } });
    expect(runtimesFor(packed)).toEqual(["mlx"]);
  });

  const wrong: readonly [string, unknown, RegExp][] = [
    ["a context of 0", { runtime: "llama.cpp", contextTokens: 0 }, /contextTokens must be a positive integer.*got 0/],
    ["a context that is text", { runtime: "llama.cpp", contextTokens: "8k" }, /got "8k"/],
    ["a context beyond 32 bits", { runtime: "llama.cpp", contextTokens: 2 ** 40 }, /up to 2147483647/],
    ["half a sequence", { runtime: "llama.cpp", sequences: 0.5 }, /sequences must be a positive integer, got 0.5/],
    ["an option of another runtime", { runtime: "llama.cpp", dtype: "float16" }, /options.dtype is not an option here/],
    ["a cache type there is not", { runtime: "llama.cpp", cacheTypeK: "q3" }, /cacheTypeK must be one of "f32"/],
    ["a runtime there is not", { runtime: "ollama" }, /no runtime "ollama" here/],
    ["no device", { runtime: "llama.cpp", devices: [] }, /devices must be a non-empty list/],
    ["a name of Object.prototype", { runtime: "llama.cpp", constructor: 1 }, /options.constructor is not an option/],
  ];
  test.each(wrong)("refuses %s", (_, workload, message) => {
    const error = thrownBy(() => estimateMemory(model(), workload as Workload));
    expect(isInspectError(error)).toBe(true);
    expect(String(error)).toMatch(message);
  });

  test.each(["gguf", "safetensors"] as const)("wants a context where the %s model names none", (format) => {
    const untold = model({ format, trainedContext: null });
    const runtime = format === "gguf" ? "llama.cpp" : "transformers";
    expect(() => estimateMemory(untold, { runtime })).toThrow(/contextTokens must be given/);
    expect(estimateMemory(untold, { runtime, contextTokens: 256 }).workload["contextTokens"]).toBe(256);
  });

  test("refuses two CPUs, and GPUs of which only some say their memory", () => {
    const cpus = ["CPU", "CPU1"].map((name): Device => ({ name, kind: "cpu" }));
    expect(() => estimateMemory(model(), { runtime: "llama.cpp", devices: cpus })).toThrow(/got CPU, CPU1/);
    const gpus: Device[] = [
      { name: "GPU0", kind: "cuda", memoryBytes: 2 ** 30 },
      { name: "GPU1", kind: "cuda" },
    ];
    expect(() => estimateMemory(model(), { runtime: "llama.cpp", devices: gpus })).toThrow(
      /that of GPU1 is not given: give it, or tensorSplit/,
    );
    const tensorSplit = [3, 1];
    expect(estimateMemory(model(), { runtime: "llama.cpp", devices: gpus, tensorSplit }).devices.length).toBe(3);
  });
});

describe("fitting a device", () => {
  const device = (memoryBytes: number): Device[] => [{ name: "GPU0", kind: "cuda", memoryBytes }];
  const workload = (memoryBytes: number): Workload => ({ runtime: "llama.cpp", devices: device(memoryBytes) });
  const heavy = model({ tensors: [tensor("blk.0.ffn_up.weight", { bytes: 2 ** 30 })] });
  const verdict = (memoryBytes: number) =>
    fitDevices(estimateMemory(heavy, workload(memoryBytes)), device(memoryBytes))[0]?.verdict;

  test("says fits, too large, or too close to call", () => {
    expect(verdict(8 * 2 ** 30)).toBe("fits");
    expect(verdict(2 ** 30)).toBe("too-large");
    const { low, high } = estimateMemory(heavy, workload(2 ** 40)).devices[0] ?? { low: 0, high: 0 };
    expect(verdict(Math.round((low + (high ?? 0)) / 2))).toBe("close");
  });

  test("asks of a pool whether it holds the sequences, its bounds included", () => {
    const estimate = estimateMemory(heavy, workload(8 * 2 ** 30));
    const pool = {
      poolBytes: 2 ** 30,
      blocks: 64,
      tokens: 1024,
      tokensAsOldLogs: 1024,
      certainty: "estimate",
    } as const;
    const served = (capacity: object) =>
      fitDevices({ ...estimate, capacity: { ...pool, ...capacity } as Capacity }, weighedDevices(estimate))[0]?.verdict;
    expect(served({ concurrency: 1 })).toBe("fits");
    expect(served({ concurrency: 0.99 })).toBe("too-large");
    expect(served({ concurrency: 1.2, low: 0.9, high: 1.4 })).toBe("close");
    expect(served({ concurrency: 0.9, low: 0.8, high: 0.99 })).toBe("too-large");
    expect(served({ concurrency: 1.5, low: 1.1, high: 2 })).toBe("fits");
  });

  test("finds the largest context: it fits, and 256 tokens more do not", () => {
    const base = estimateMemory(heavy, { ...workload(2 ** 40), contextTokens: 256 }).devices[0]?.high ?? 0;
    const memoryBytes = base + 2 ** 20;
    const largest = largestContext(heavy, workload(memoryBytes));
    expect(largest).not.toBeNull();
    const fits = (contextTokens: number) =>
      fitDevices(estimateMemory(heavy, { ...workload(memoryBytes), contextTokens }), device(memoryBytes))[0]?.verdict;
    expect(fits(largest ?? 0)).toBe("fits");
    expect(fits((largest ?? 0) + 256)).not.toBe("fits");
  });

  test("stops at the trained context, and finds none where the weights alone do not fit", () => {
    expect(largestContext(heavy, workload(2 ** 40))).toBe(8192);
    expect(largestContext(heavy, workload(2 ** 29))).toBeNull();
    expect(largestContext(model({ layers: [layer(0, { kind: "unknown" })] }), workload(2 ** 40))).toBeNull();
  });

  test("does not promise that a file without tensors fits: its weights are elsewhere", () => {
    const memory = estimateMemory(model({ layers: [layer(0, attention())] }), workload(2 ** 40));
    expect(memory.totals).toMatchObject({ weights: 0, total: null, high: null });
    expect(memory.totals.low).toBeGreaterThan(0);
    expect(fitDevices(memory, weighedDevices(memory)).map(({ verdict }) => verdict)).toEqual(["close"]);
    expect(memory.diagnostics.map(({ message }) => message).join()).toContain("weights of this model are not known");
  });

  test("looks at no context that the engine refuses, and refuses what it was asked for", () => {
    const state = [{ name: "linear", shape: [64, 64] }] as const;
    const uneven = model({
      architecture: "minimax-01",
      tensors: [tensor("token_embd.weight")],
      layers: [layer(0, attention()), layer(1, { kind: "recurrent", family: "lightning-attention", state })],
    });
    const asked = { ...workload(2 ** 40), sequences: 3 };
    expect(largestContext(uneven, { ...asked, contextTokens: 384 })).toBe(384);
    expect(() => largestContext(uneven, { ...asked, contextTokens: 512 })).toThrow(/3 sequences/);
    expect(weigh(uneven, { ...asked, contextTokens: 384 }).growth.map(({ contextTokens }) => contextTokens)).toEqual([
      384,
    ]);
  });
});
