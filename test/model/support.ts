import { type Diagnostic, makeReporter } from "../../src/diagnostics.ts";
import type { GgufMetadata, GgufScalar, GgufValue } from "../../src/formats/gguf/value.ts";
import type { TensorEntry } from "../../src/formats/tensor-entry.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/limits.ts";
import { type BuiltModel, buildModel } from "../../src/model/build.ts";
import { parseConfig } from "../../src/model/config.ts";

const BITS: Record<string, number> = { F32: 32, F16: 16, BF16: 16, I32: 32, U32: 32, U8: 8, I8: 8, I64: 64 };

export type Table = readonly TensorEntry[];
export type Built = { readonly model: BuiltModel; readonly diagnostics: readonly Diagnostic[] };

/** A tensor as a container lists it; types without a size here take one byte an element. */
export function tensor(name: string, shape: readonly number[], dtype = "BF16"): TensorEntry {
  const elements = shape.reduce((product, size) => product * size, 1);
  return { name, dtype, shape, elements, bytes: Math.ceil((elements * (BITS[dtype] ?? 8)) / 8), file: 0, offset: 0 };
}

/** A table that proves nothing: files without any tensor are reported. */
const INERT: Table = [tensor("inert", [1])];

export function range(count: number): number[] {
  return [...Array(count).keys()];
}

/** GGUF keys from plain values: arrays of numbers or booleans become arrays, the rest scalars. */
export function metadata(keys: Record<string, GgufScalar | readonly GgufScalar[]>): GgufMetadata {
  return new Map(
    Object.entries(keys).map(([key, value]): [string, GgufValue] => {
      if (Array.isArray(value)) return [key, { type: "array", elementType: "i32", values: value }];
      const scalar = value as GgufScalar;
      const type = typeof scalar === "string" ? "string" : typeof scalar === "boolean" ? "bool" : "u32";
      return [key, { type, value: scalar }];
    }),
  );
}

/** Keys of one architecture, its prefix added. */
export function keysOf(
  architecture: string,
  keys: Record<string, GgufScalar | readonly GgufScalar[]>,
): Record<string, GgufScalar | readonly GgufScalar[]> {
  const prefixed = Object.entries(keys).map(([key, value]) => [`${architecture}.${key}`, value]);
  return { "general.architecture": architecture, ...Object.fromEntries(prefixed) };
}

export function buildGguf(
  keys: Record<string, GgufScalar | readonly GgufScalar[]> | GgufMetadata,
  tensors: Table = INERT,
  limits: Partial<Limits> = {},
): Built {
  const diagnostics: Diagnostic[] = [];
  const model = buildModel({
    format: "gguf",
    metadata: keys instanceof Map ? keys : metadata(keys as Record<string, GgufScalar>),
    tensors,
    limits: { ...DEFAULT_LIMITS, ...limits },
    report: makeReporter(diagnostics, false),
  });
  return { model, diagnostics };
}

/** `config` is an object, or the text of a config.json. */
export function buildSafetensors(config: object | string | undefined, tensors: Table = INERT): Built {
  const diagnostics: Diagnostic[] = [];
  const text = typeof config === "string" ? config : config && JSON.stringify(config);
  const model = buildModel({
    format: "safetensors",
    config: text === undefined ? undefined : parseConfig(text, DEFAULT_LIMITS, "config.json"),
    metadata: new Map(),
    tensors,
    limits: DEFAULT_LIMITS,
    report: makeReporter(diagnostics, false),
  });
  return { model, diagnostics };
}

export type Geometry = {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediate: number;
  readonly vocabulary: number;
};

/** The tensors of a llama-like checkpoint as transformers saves it. */
export function hfTensors(
  g: Geometry,
  options: { readonly tied?: boolean; readonly linear?: LinearMaker } = {},
): Table {
  const linear = options.linear ?? plainLinear;
  const blocks = range(g.layers).flatMap((layer) => {
    const path = `model.layers.${layer}`;
    return [
      tensor(`${path}.input_layernorm.weight`, [g.hidden]),
      tensor(`${path}.post_attention_layernorm.weight`, [g.hidden]),
      ...linear(`${path}.self_attn.q_proj`, g.heads * g.headDim, g.hidden),
      ...linear(`${path}.self_attn.k_proj`, g.kvHeads * g.headDim, g.hidden),
      ...linear(`${path}.self_attn.v_proj`, g.kvHeads * g.headDim, g.hidden),
      ...linear(`${path}.self_attn.o_proj`, g.hidden, g.heads * g.headDim),
      ...linear(`${path}.mlp.gate_proj`, g.intermediate, g.hidden),
      ...linear(`${path}.mlp.up_proj`, g.intermediate, g.hidden),
      ...linear(`${path}.mlp.down_proj`, g.hidden, g.intermediate),
    ];
  });
  return [
    tensor("model.embed_tokens.weight", [g.vocabulary, g.hidden]),
    ...blocks,
    tensor("model.norm.weight", [g.hidden]),
    ...(options.tied ? [] : [tensor("lm_head.weight", [g.vocabulary, g.hidden])]),
  ];
}

/** The tensors one linear module is stored as. */
export type LinearMaker = (path: string, outputs: number, inputs: number) => TensorEntry[];

export const plainLinear: LinearMaker = (path, outputs, inputs) => [tensor(`${path}.weight`, [outputs, inputs])];

/** The tensors of a llama-like GGUF file. */
export function ggufTensors(g: Geometry): Table {
  const blocks = range(g.layers).flatMap((layer) => {
    const path = `blk.${layer}`;
    return [
      tensor(`${path}.attn_norm.weight`, [g.hidden], "F32"),
      tensor(`${path}.attn_q.weight`, [g.hidden, g.heads * g.headDim], "F16"),
      tensor(`${path}.attn_k.weight`, [g.hidden, g.kvHeads * g.headDim], "F16"),
      tensor(`${path}.attn_v.weight`, [g.hidden, g.kvHeads * g.headDim], "F16"),
      tensor(`${path}.attn_output.weight`, [g.heads * g.headDim, g.hidden], "F16"),
      tensor(`${path}.ffn_norm.weight`, [g.hidden], "F32"),
      tensor(`${path}.ffn_gate.weight`, [g.hidden, g.intermediate], "F16"),
      tensor(`${path}.ffn_up.weight`, [g.hidden, g.intermediate], "F16"),
      tensor(`${path}.ffn_down.weight`, [g.intermediate, g.hidden], "F16"),
    ];
  });
  return [
    tensor("token_embd.weight", [g.hidden, g.vocabulary], "F16"),
    tensor("output_norm.weight", [g.hidden], "F32"),
    ...blocks,
  ];
}

/** Meta-Llama-3.1-8B. */
export const LLAMA_8B: Geometry = {
  layers: 32,
  hidden: 4096,
  heads: 32,
  kvHeads: 8,
  headDim: 128,
  intermediate: 14336,
  vocabulary: 128256,
};

export const LLAMA_8B_CONFIG = {
  model_type: "llama",
  num_hidden_layers: 32,
  hidden_size: 4096,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  intermediate_size: 14336,
  vocab_size: 128256,
  max_position_embeddings: 131072,
  tie_word_embeddings: false,
};

/** A small shape for what does not depend on size. */
export const SMALL: Geometry = {
  layers: 2,
  hidden: 256,
  heads: 4,
  kvHeads: 2,
  headDim: 64,
  intermediate: 512,
  vocabulary: 512,
};

export const SMALL_CONFIG = {
  model_type: "llama",
  num_hidden_layers: 2,
  hidden_size: 256,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 512,
  vocab_size: 512,
  max_position_embeddings: 512,
};

export const SMALL_KEYS: ReturnType<typeof keysOf> = keysOf("llama", {
  block_count: 2,
  embedding_length: 256,
  "attention.head_count": 4,
  "attention.head_count_kv": 2,
  feed_forward_length: 512,
  vocab_size: 512,
  context_length: 512,
});
