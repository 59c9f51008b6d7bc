import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { holeyFile } from "../../conformance/holey-file.ts";
import { ggufOfKeys } from "../../conformance/llama-cpp/architectures/keys.ts";
import { subjectOf } from "../../conformance/llama-cpp/graphs/drawn.ts";
import { ggufOf, graphModels, titleOf } from "../../conformance/llama-cpp/graphs/models.ts";
import type { GgufTensor } from "../../fixtures/write-gguf.ts";
import { estimateMemory, inspectModel, type LlamaCppWorkload, type Model } from "../../src/index.ts";
import type { Device } from "../../src/runtimes/device.ts";
import { blockCount } from "../../src/runtimes/llama-cpp/cached-layers.ts";
import { drawGraph } from "../../src/runtimes/llama-cpp/graph/draw.ts";
import { GRAPH_BUILDERS } from "../../src/runtimes/llama-cpp/graph/registry.ts";
import { batchesOf } from "../../src/runtimes/llama-cpp/reserve.ts";

const DEMO = join(import.meta.dirname, "../../fixtures/files/demo.gguf");
const MIXTURE = join(import.meta.dirname, "../../fixtures/files/gguf/mixtral.gguf");
const FUSED = { flashAttention: true, hyperPre: true, hyperCombine: true, hyperPost: true };

describe("compute buffers of llama.cpp", () => {
  let demo: Model;
  beforeAll(async () => {
    demo = await inspectModel(DEMO);
  });

  it("are exact for a file that was read here, and say where they come from", () => {
    const { items, diagnostics } = estimateMemory(demo, { runtime: "llama.cpp", contextTokens: 8192 });
    const compute = items.filter(({ component }) => component === "compute");
    expect(compute.map(({ device, certainty }) => [device, certainty])).toEqual([["CPU", "exact"]]);
    expect(compute[0]?.source).toContain("ggml-alloc.c");
    expect(diagnostics).toEqual([]);
  });

  it.each([
    ["exact", ["cuda", "cuda"]],
    ["derived", ["metal", "metal"]],
    ["derived", ["cuda", "metal"]],
  ] as const)("are %s on %j: the engine was asked about several GPUs of CUDA alone", (certainty, kinds) => {
    const devices = kinds.map((kind, index): Device => ({ name: `GPU${index}`, kind, memoryBytes: 8e9 }));
    const certaintyOn = (workload: Pick<LlamaCppWorkload, "splitMode">): Set<string> => {
      const { items } = estimateMemory(demo, { runtime: "llama.cpp", devices, ...workload });
      return new Set(items.filter(({ component }) => component === "compute").map((item) => item.certainty));
    };
    expect(certaintyOn({})).toEqual(new Set([certainty]));
    expect(certaintyOn({ splitMode: "none" })).toEqual(new Set(["exact"]));
  });

  it("are estimates for a model from elsewhere until the graphs are loaded, and say so", async () => {
    const text = JSON.stringify(demo);
    vi.resetModules();
    const fresh = await import("../../src/index.ts");
    const model: Model = JSON.parse(text);
    const before = fresh.estimateMemory(model, { runtime: "llama.cpp" });
    expect(before.diagnostics.map(({ code }) => code)).toEqual(["graphs-not-loaded"]);
    const [item] = before.items.filter(({ component }) => component === "compute");
    expect(item?.certainty).toBe("estimate");
    await fresh.loadComputeGraphs();
    const after = fresh.estimateMemory(model, { runtime: "llama.cpp" });
    expect(after.diagnostics).toEqual([]);
    const exact = after.totals.compute ?? 0;
    expect(item?.low).toBeLessThanOrEqual(exact);
    expect(item?.high).toBeGreaterThanOrEqual(exact);
    expect(exact).toBe(estimateMemory(demo, { runtime: "llama.cpp" }).totals.compute);
  });

  it("fall back to an estimate where a file lacks what its graph reads", async () => {
    const tensors = demo.tensors
      .filter(({ name }) => name !== "blk.0.ffn_up.weight")
      .map(({ name, dtype, shape }) => ({ name, type: dtype, shape }) as GgufTensor);
    const keys = { block_count: 2, embedding_length: 128, "attention.head_count": 4, "attention.head_count_kv": 2 };
    const model = await inspectModel(holeyFile(ggufOfKeys("llama", { ...keys, context_length: 512 }, tensors)));
    const { items } = estimateMemory(model, { runtime: "llama.cpp", contextTokens: 512 });
    const certainties = items.filter(({ component }) => component === "compute").map(({ certainty }) => certainty);
    expect(certainties.every((certainty) => certainty === "estimate")).toBe(true);
  });

  it.each([1e6, 2 ** 31])("fall back soon where a file claims that each token has %d experts", async (used) => {
    const moe = await inspectModel(MIXTURE);
    const metadata = { ...moe.metadata, "llama.expert_used_count": used };
    const start = performance.now();
    const { items } = estimateMemory({ ...moe, metadata }, { runtime: "llama.cpp", contextTokens: 512 });
    expect(performance.now() - start).toBeLessThan(2_000);
    const [compute] = items.filter(({ component }) => component === "compute");
    expect(compute?.certainty).toBe("estimate");
  });

  it("are planned on graphs that grow by as many nodes with every layer", async () => {
    const nodesOf = async (layers: number): Promise<number> => {
      const model = await layered(layers);
      const builder = GRAPH_BUILDERS.get("llama");
      const subject = subjectOf(model, { contextTokens: 512 });
      const [batch] = batchesOf(subject, FUSED);
      if (builder === undefined || batch === undefined) throw new Error("no graph of llama");
      return drawGraph(subject, batch, builder).nodes.length;
    };
    const [few, more, many] = [await nodesOf(2), await nodesOf(3), await nodesOf(42)];
    expect(many - few).toBe(40 * (more - few));
  });
});

describe("the mean of a sequence", () => {
  it("is refused where some of its tokens are not put out, as the engine breaks off on it", async () => {
    const made = graphModels().find((each) => titleOf(each) === "gemma-embedding dense layers");
    if (made === undefined) throw new Error("no embeddings with dense layers");
    const model = await inspectModel(holeyFile(ggufOf(made)));
    const weighed = (sequences: number) =>
      estimateMemory(model, { runtime: "llama.cpp", contextTokens: 2048, sequences, embeddings: true });
    // 512 tokens are put out, and for 3 sequences 513 are reserved.
    expect(() => weighed(3)).toThrow(/mean of 513 tokens, 512 of which.*microBatchTokens that 3 divides/);
    expect(() => weighed(4)).not.toThrow();
  });
});

describe("several GPUs", () => {
  const gpus: readonly Device[] = [0, 1].map((index) => ({ name: `GPU${index}`, kind: "cuda", memoryBytes: 8e9 }));
  /** A rule for no tensor: with any, the engine has GPUs not take turns. */
  const overrideTensors = [{ pattern: "no such tensor", device: "CPU" }];

  it.each(["hrm_text", "nanbeige", "graniteswitch"])(
    "take turns where they hold every pass and layer of %s",
    async (name) => {
      const made = graphModels().find(({ row }) => row.architecture === name);
      if (made === undefined) throw new Error(`no ${name}`);
      const model = await inspectModel(holeyFile(ggufOf(made)));
      const compute = (workload: Pick<LlamaCppWorkload, "gpuLayers" | "overrideTensors">): number | null =>
        estimateMemory(model, { runtime: "llama.cpp", contextTokens: 4096, devices: gpus, ...workload }).totals.compute;
      const count = blockCount(model);
      expect(count).toBeGreaterThan(model.layers.length);
      expect(compute({ gpuLayers: count })).toBe(compute({ gpuLayers: count, overrideTensors }));
      expect(compute({ gpuLayers: count + 1 })).toBeGreaterThan(compute({ overrideTensors }) ?? Number.NaN);
    },
  );
});

/** A llama of so many layers. */
function layered(layers: number): Promise<Model> {
  const matrix = (name: string): GgufTensor => ({ name: `${name}.weight`, type: "F16", shape: [64, 64] });
  const vector = (name: string): GgufTensor => ({ name: `${name}.weight`, type: "F32", shape: [64] });
  const blocks = Array.from({ length: layers }, (_, layer) => [
    ...["attn_norm", "ffn_norm"].map((name) => vector(`blk.${layer}.${name}`)),
    ...["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"].map((name) =>
      matrix(`blk.${layer}.${name}`),
    ),
  ]);
  const keys = {
    vocab_size: 64,
    context_length: 512,
    embedding_length: 64,
    block_count: layers,
    feed_forward_length: 64,
    "attention.head_count": 4,
  };
  const tensors = [matrix("token_embd"), vector("output_norm"), ...blocks.flat()];
  return inspectModel(holeyFile(ggufOfKeys("llama", keys, tensors)));
}
