import type { AttentionMixer, LatentMixer, Mixer } from "../../src/model/mixer.ts";
import type { Model, ModelLayer, ModelTensor } from "../../src/model/model.ts";

/** Causal attention of 8 heads over 2 key-value heads of 64. */
export function attention(changes: Partial<AttentionMixer> = {}): AttentionMixer {
  return {
    kind: "attention",
    heads: 8,
    kvHeads: 2,
    keyDim: 64,
    valueDim: 64,
    window: { kind: "none" },
    causal: true,
    ...changes,
  };
}

/** Latent attention in the sizes of DeepSeek-V3. */
export const DEEPSEEK_V3: LatentMixer = {
  kind: "latent",
  heads: 128,
  kvLoraRank: 512,
  ropeDim: 64,
  nopeDim: 128,
  valueDim: 128,
  window: { kind: "none" },
  upProjection: "joint",
};

export function layer(index: number, mixer: Mixer, changes: Partial<ModelLayer> = {}): ModelLayer {
  return { index, mixer, feedForward: { kind: "dense", intermediateSize: 1024 }, weightBytes: 0, ...changes };
}

export function tensor(name: string, changes: Partial<ModelTensor> = {}): ModelTensor {
  return {
    name,
    dtype: "F16",
    shape: [512, 512],
    elements: 262_144,
    parameters: 262_144,
    bytes: 524_288,
    file: 0,
    offset: 0,
    component: "attention",
    ...changes,
  };
}

const NO_COMPONENTS = {
  embedding: 0,
  attention: 0,
  recurrent: 0,
  feedForward: 0,
  experts: 0,
  norm: 0,
  output: 0,
  vision: 0,
  mtp: 0,
  other: 0,
};

/** A two-layer model; everything can be changed. */
export function model(changes: Partial<Model> = {}): Model {
  return {
    schemaVersion: 1,
    format: "gguf",
    source: { kind: "custom", id: "made", files: [], requests: 0, bytesRead: 0 },
    architecture: "llama",
    layerCount: 2,
    mtpLayerCount: 0,
    hiddenSize: 512,
    vocabularySize: 1000,
    trainedContext: 8192,
    attentionHeads: 8,
    kvHeads: 2,
    headDim: { key: 64, value: 64 },
    causal: true,
    tiedEmbeddings: false,
    layers: [layer(0, attention()), layer(1, attention())],
    parameters: { total: 0, active: 0 },
    weights: { bytes: 0, byDtype: {}, byComponent: NO_COMPONENTS },
    tensors: [],
    quantization: null,
    metadata: {},
    diagnostics: [],
    ...changes,
  };
}
