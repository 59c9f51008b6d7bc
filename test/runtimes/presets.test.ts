import { describe, expect, test } from "vitest";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { LlamaCppWorkload } from "../../src/runtimes/llama-cpp/workload.ts";
import { model } from "../support/model.ts";

const GIB = 1024 ** 3;
/** Trained on 131,072 tokens. */
const LONG = model({ trainedContext: 131_072 });

function resolved(workload: Omit<LlamaCppWorkload, "runtime">, of = LONG): { readonly [option: string]: unknown } {
  return estimateMemory(of, { runtime: "llama.cpp", ...workload }).workload;
}

function gpus(...gib: readonly number[]): NonNullable<LlamaCppWorkload["devices"]> {
  return gib.map((size, index) => ({ name: `GPU${index}`, kind: "cuda", memoryBytes: size * GIB }));
}

describe("a preset of llama.cpp", () => {
  test.each([
    ["tool", { contextTokens: 131_072, sequences: 1, unifiedCache: false, batchTokens: 2048, outputs: 2048 }],
    ["cli", { contextTokens: 131_072, sequences: 1, unifiedCache: false, batchTokens: 2048, outputs: 1 }],
    ["server", { contextTokens: 131_072, sequences: 4, unifiedCache: true, batchTokens: 2048, outputs: 4 }],
    ["library", { contextTokens: 512, sequences: 1, fullSlidingWindowCache: true, outputs: 2048 }],
    ["ollama", { contextTokens: 4096, sequences: 1, batchTokens: 512, microBatchTokens: 512, outputs: 1 }],
    ["lm-studio", { contextTokens: 4096, sequences: 4, unifiedCache: false, batchTokens: 512, outputs: 512 }],
  ] as const)("%s is filled in", (preset, workload) => {
    expect(resolved({ preset })).toMatchObject({ preset, microBatchTokens: 512, cacheTypeK: "f16", ...workload });
  });

  test("loses against what is given", () => {
    const given = { contextTokens: 1024, sequences: 2, batchTokens: 64, microBatchTokens: 32, outputs: 7 };
    expect(resolved({ preset: "ollama", ...given })).toMatchObject(given);
  });

  test("server keeps one cache only where the number of slots is its own", () => {
    expect(resolved({ preset: "server", sequences: 4 })["unifiedCache"]).toBe(false);
    expect(resolved({ preset: "server", sequences: 4, unifiedCache: true })["unifiedCache"]).toBe(true);
  });

  test.each(["cli", "server", "ollama"] as const)("%s puts out a whole batch of embeddings, in one piece", (preset) => {
    const embedding = { preset, embeddings: true, batchTokens: 4096, microBatchTokens: 1024 };
    expect(resolved(embedding)).toMatchObject({ batchTokens: 1024, outputs: 1024 });
    expect(resolved({ ...embedding, batchTokens: 100 })).toMatchObject({ batchTokens: 100, outputs: 100 });
  });

  test("tool leaves an embedding's batch as it is", () => {
    expect(resolved({ embeddings: true })).toMatchObject({ batchTokens: 2048, outputs: 2048 });
  });

  test.each([
    [gpus(22.5), 1, 4096],
    [gpus(24), 1, 32_768],
    [gpus(12, 12), 1, 32_768],
    [gpus(24), 3, 98_304],
    [gpus(80), 1, 131_072],
  ])("ollama takes its context from the memory of all GPUs: %j", (devices, sequences, contextTokens) => {
    expect(resolved({ preset: "ollama", devices, sequences })["contextTokens"]).toBe(contextTokens);
  });

  test("ollama stops at the trained context", () => {
    const short = model({ trainedContext: 2048 });
    expect(resolved({ preset: "ollama" }, short)["contextTokens"]).toBe(2048);
  });
});
