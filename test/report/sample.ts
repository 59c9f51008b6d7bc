import type { Model, ModelLayer, ModelTensor } from "../../src/model/model.ts";
import type { RuntimeReport } from "../../src/report/weigh.ts";
import type { MemoryEstimate, MemoryItem } from "../../src/runtimes/estimate.ts";

const MIB = 1024 ** 2;

/** A layer of plain attention, sliding when `window` is given. */
export function attentionLayer(index: number, window?: number): ModelLayer {
  return {
    index,
    mixer: {
      kind: "attention",
      heads: 32,
      kvHeads: 8,
      keyDim: 128,
      valueDim: 128,
      window: window === undefined ? { kind: "none" } : { kind: "sliding", tokens: window },
      causal: true,
    },
    feedForward: { kind: "dense", intermediateSize: 14_336 },
    weightBytes: 128 * MIB,
  };
}

const TENSOR: ModelTensor = {
  name: "token_embd.weight",
  dtype: "Q4_K",
  shape: [4096, 128_256],
  elements: 525_336_576,
  parameters: 525_336_576,
  bytes: 295_501_824,
  file: 0,
  offset: 7_835_904,
  component: "embedding",
};

/** A model with made-up but consistent numbers; fields given replace its own. */
export function sampleModel(fields: Partial<Model> = {}): Model {
  return {
    schemaVersion: 1,
    format: "gguf",
    source: {
      kind: "hub",
      id: "org/sample-GGUF",
      revision: "main",
      commit: "0123456789abcdef0123456789abcdef01234567",
      files: [{ path: "sample-Q4_K_M.gguf", bytes: 4 * 1024 * MIB, headerBytes: 7_835_904 }],
      requests: 2,
      bytesRead: 8 * MIB,
    },
    architecture: "llama",
    layerCount: 4,
    mtpLayerCount: 0,
    hiddenSize: 4096,
    vocabularySize: 128_256,
    trainedContext: 131_072,
    attentionHeads: 32,
    kvHeads: 8,
    headDim: { key: 128, value: 128 },
    causal: true,
    tiedEmbeddings: false,
    layers: [0, 1, 2, 3].map((index) => attentionLayer(index)),
    parameters: { total: 8_030_261_312, active: 8_030_261_312 },
    weights: {
      bytes: 4 * 1024 * MIB,
      byDtype: {
        F32: { tensors: 66, bytes: MIB },
        Q4_K: { tensors: 193, bytes: 3 * 1024 * MIB },
        Q6_K: { tensors: 33, bytes: 1023 * MIB },
      },
      byComponent: {
        embedding: 300 * MIB,
        attention: 1000 * MIB,
        recurrent: 0,
        feedForward: 2395 * MIB,
        experts: 0,
        norm: MIB,
        output: 400 * MIB,
        vision: 0,
        mtp: 0,
        other: 0,
      },
    },
    tensors: [TENSOR],
    quantization: { method: "ggml", bitsPerWeight: 4.28 },
    metadata: { "general.name": "Sample 8B" },
    diagnostics: [],
    ...fields,
  };
}

const ITEMS: readonly MemoryItem[] = [
  { component: "weights", label: "weights", device: "GPU0", bytes: 3796 * MIB, certainty: "exact", source: "engine" },
  {
    component: "cache",
    label: "KV cache, 4 layers",
    device: "GPU0",
    bytes: 1024 * MIB,
    certainty: "derived",
    source: "engine",
  },
  {
    component: "compute",
    label: "compute buffer, 512 tokens",
    device: "GPU0",
    bytes: 256 * MIB,
    certainty: "estimate",
    source: "engine",
    low: 200 * MIB,
    high: 300 * MIB,
  },
  {
    component: "weights",
    label: "token embedding",
    device: "CPU",
    bytes: 300 * MIB,
    certainty: "exact",
    source: "engine",
  },
];

/** An estimate whose totals are the sums of its items. */
export function sampleEstimate(fields: Partial<MemoryEstimate> = {}): MemoryEstimate {
  const gpu = {
    weights: 3796 * MIB,
    cache: 1024 * MIB,
    compute: 256 * MIB,
    overhead: 0,
    total: 5076 * MIB,
    low: 5020 * MIB,
    high: 5120 * MIB,
  };
  const cpu = {
    weights: 300 * MIB,
    cache: 0,
    compute: 0,
    overhead: 0,
    total: 300 * MIB,
    low: 300 * MIB,
    high: 300 * MIB,
  };
  return {
    schemaVersion: 1,
    runtime: "llama.cpp",
    runtimeVersion: "0.5.0",
    workload: {
      runtime: "llama.cpp",
      contextTokens: 8192,
      sequences: 1,
      preset: "tool",
      cacheTypeK: "f16",
      cacheTypeV: "f16",
    },
    items: ITEMS,
    devices: [
      { name: "GPU0", ...gpu },
      { name: "CPU", ...cpu },
    ],
    totals: { ...gpu, weights: 4096 * MIB, total: 5376 * MIB, low: 5320 * MIB, high: 5420 * MIB },
    cachePerToken: MIB / 8,
    cachePerSequence: 1024 * MIB,
    diagnostics: [],
    ...fields,
  };
}

/** A report without a device of known capacity. */
export function sampleReport(fields: Partial<RuntimeReport> = {}): RuntimeReport {
  const at = (contextTokens: number) => ({
    contextTokens,
    cacheBytes: (contextTokens * MIB) / 8,
    totalBytes: 4352 * MIB + (contextTokens * MIB) / 8,
    verdict: undefined,
  });
  return {
    estimate: sampleEstimate(),
    growth: [4096, 8192, 32_768, 131_072].map(at),
    fits: [],
    largestContextTokens: null,
    ...fields,
  };
}
