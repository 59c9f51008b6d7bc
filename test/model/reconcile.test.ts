import { describe, expect, it } from "vitest";
import {
  buildGguf,
  buildSafetensors,
  ggufTensors,
  hfTensors,
  keysOf,
  metadata,
  SMALL,
  SMALL_CONFIG,
  SMALL_KEYS,
  tensor,
} from "./support.ts";

const tensors = ggufTensors(SMALL);

describe("keys against tensors", () => {
  it("has nothing to say when they agree", () => {
    const { model, diagnostics } = buildGguf(SMALL_KEYS, tensors);
    expect(diagnostics).toEqual([]);
    expect(model).toMatchObject({
      layerCount: 2,
      hiddenSize: 256,
      vocabularySize: 512,
      kvHeads: 2,
      tiedEmbeddings: true,
    });
    expect(buildSafetensors(SMALL_CONFIG, hfTensors(SMALL)).diagnostics).toEqual([]);
  });

  it.each([
    ["2^64 - 1", 2n ** 64n - 1n],
    ["10^9", 1_000_000_000],
    ["3", 3],
    ["a text", "many"],
  ])("believes the blocks that are there over a block_count of %s", (_title, blockCount) => {
    const { model, diagnostics } = buildGguf({ ...SMALL_KEYS, "llama.block_count": blockCount }, tensors);
    expect(model.layerCount).toBe(2);
    expect(model.layers).toHaveLength(2);
    expect(diagnostics).toMatchObject([{ code: "inconsistent-model" }]);
    expect(diagnostics[0]?.message).toContain(String(blockCount));
  });

  it("reads a per-layer key that is too long to be one as absent", () => {
    const keys = metadata(SMALL_KEYS);
    const reference = { elementType: "u32", length: 5_000, offset: 0, bytes: 20_000 } as const;
    const long = new Map([
      ...keys,
      ["llama.attention.head_count", { type: "array", elementType: "u32", reference }],
    ] as const);
    const { model, diagnostics } = buildGguf(long, tensors);
    expect(model.layers[0]?.mixer).toEqual({ kind: "unknown", keyWidth: 128, valueWidth: 128 });
    expect(diagnostics.map(({ code }) => code)).toEqual(["inconsistent-model", "unknown-cache"]);
    expect(diagnostics[0]?.message).toContain("a list of 5000");
  });

  it("makes no layers from a count that no tensor shows and no limit allows", () => {
    const { model, diagnostics } = buildGguf({ ...SMALL_KEYS, "llama.block_count": 200_000 });
    expect([model.layerCount, model.layers]).toEqual([null, []]);
    expect(diagnostics).toMatchObject([{ code: "inconsistent-model" }]);
    expect(buildGguf({ ...SMALL_KEYS, "llama.block_count": 3 }, [], { layers: 2 }).model.layers).toEqual([]);
  });

  it("does not believe a block index beyond the limit", () => {
    const { model, diagnostics } = buildGguf(SMALL_KEYS, [...tensors, tensor("blk.999999999.attn_norm.weight", [256])]);
    expect(model.layerCount).toBe(2);
    expect(diagnostics).toMatchObject([{ code: "inconsistent-model", where: "block 999999999" }]);
  });

  it("says which blocks are missing", () => {
    const { diagnostics } = buildGguf({ ...SMALL_KEYS, "llama.block_count": 5 }, [
      ...tensors,
      tensor("blk.4.attn_norm.weight", [256]),
    ]);
    expect(diagnostics.map(({ message }) => message)).toEqual([
      "the highest block is 4, but 2 below it have no tensors (2, 3); parts of the model are missing.",
    ]);
  });

  it("takes key and value heads from the projections and names both values", () => {
    const { model, diagnostics } = buildGguf({ ...SMALL_KEYS, "llama.attention.head_count_kv": 4 }, tensors);
    expect(model.kvHeads).toBe(2);
    expect(diagnostics).toEqual([
      {
        code: "inconsistent-model",
        message:
          "keys of 4 x 64 and values of 4 x 64 by GGUF keys, keys 128 and values 128 wide by the tensors; the tensors win (layers 0-1)",
        where: "layers 0-1",
      },
    ]);
  });

  it("keeps the proven width even when it is no multiple of the head size", () => {
    const { model } = buildGguf(
      { ...SMALL_KEYS, "llama.attention.key_length": 48, "llama.attention.value_length": 48 },
      tensors,
    );
    expect(model.layers[0]?.mixer).toMatchObject({ kvHeads: 2, keyDim: 64, valueDim: 64 });
  });

  it("solves one matrix of queries, keys and values for the key/value heads", () => {
    const keys = keysOf("phi3", {
      block_count: 1,
      embedding_length: 256,
      "attention.head_count": 4,
      "attention.head_count_kv": 4,
      feed_forward_length: 512,
    });
    const { model, diagnostics } = buildGguf(keys, [tensor("blk.0.attn_qkv.weight", [256, 256 + 2 * 128])]);
    expect(model.kvHeads).toBe(2);
    expect(diagnostics).toHaveLength(1);
  });

  it("takes a gate of each query beside it for what it is, not for more keys", () => {
    const kvHeads = (claimed: number, width: number): unknown =>
      buildGguf({ ...SMALL_KEYS, "llama.attention.head_count_kv": claimed }, [
        tensor("blk.0.attn_qkv.weight", [256, width]),
      ]).model.layers[0]?.mixer;
    expect(kvHeads(1, 2 * 256 + 2 * 64)).toMatchObject({ heads: 4, kvHeads: 1, keyDim: 64 });
    // Four queries to four keys, whatever the key says: two would leave room for gates.
    expect(kvHeads(2, 3 * 256)).toMatchObject({ heads: 4, kvHeads: 4 });
  });

  it("takes sizes a config.json leaves out from the tensors, without a word", () => {
    const { hidden_size: _h, vocab_size: _v, num_hidden_layers: _l, ...rest } = SMALL_CONFIG;
    const { model, diagnostics } = buildSafetensors({ ...rest, head_dim: 64 }, hfTensors(SMALL));
    expect(model).toMatchObject({ layerCount: 2, hiddenSize: 256, vocabularySize: 512 });
    expect(diagnostics).toEqual([]);
  });

  it("takes hidden size and vocabulary from the embedding", () => {
    const { model, diagnostics } = buildSafetensors(
      { ...SMALL_CONFIG, head_dim: 64, hidden_size: 128, vocab_size: 500 },
      hfTensors(SMALL),
    );
    expect(model).toMatchObject({ hiddenSize: 256, vocabularySize: 512 });
    expect(diagnostics.map(({ message }) => message)).toEqual([
      "a hidden size of 128 by config.json, of 256 by the embedding; the tensors win.",
      "a vocabulary of 500 by config.json, of 512 by the embedding; the tensors win.",
    ]);
  });

  it("counts the experts that are there (a pruned model)", () => {
    const config = {
      ...SMALL_CONFIG,
      model_type: "qwen3_moe",
      head_dim: 64,
      num_hidden_layers: 1,
      num_experts: 8,
      num_experts_per_tok: 2,
      moe_intermediate_size: 32,
    };
    const experts = [0, 1, 3, 5].map((index) =>
      tensor(`model.layers.0.mlp.experts.${index}.down_proj.weight`, [256, 32]),
    );
    const { model, diagnostics } = buildSafetensors(config, experts);
    expect(model.layers[0]?.feedForward).toMatchObject({ kind: "experts", experts: 4, expertsPerToken: 2 });
    expect(diagnostics[0]?.message).toContain("8 experts of 32");
  });

  it("does not take a recurrence for an attention", () => {
    const { model, diagnostics } = buildGguf(SMALL_KEYS, [
      ...tensors.filter(({ name }) => !name.startsWith("blk.1.attn")),
      tensor("blk.1.ssm_conv1d.weight", [4, 512], "F32"),
    ]);
    expect(model.layers.map(({ mixer }) => mixer.kind)).toEqual(["attention", "unknown"]);
    expect(diagnostics).toMatchObject([{ code: "inconsistent-model", where: "layer 1" }]);
  });

  it("takes the channels of a mamba from its convolution", () => {
    const keys = keysOf("mamba", {
      block_count: 1,
      embedding_length: 64,
      "ssm.conv_kernel": 4,
      "ssm.inner_size": 64,
      "ssm.state_size": 16,
    });
    const { model, diagnostics } = buildGguf(keys, [tensor("blk.0.ssm_conv1d.weight", [4, 128], "F32")]);
    expect(model.layers[0]?.mixer).toMatchObject({
      state: [{ name: "convolution", shape: [128, 3] }, { name: "ssm" }],
    });
    expect(diagnostics).toHaveLength(1);
  });

  it("says when the tensors have less than a bit for a parameter", () => {
    const { diagnostics } = buildGguf(
      SMALL_KEYS,
      tensors.map((entry) => ({ ...entry, bytes: 1 })),
    );
    expect(diagnostics).toMatchObject([{ code: "inconsistent-model", where: "parameters" }]);
  });
});

describe("blocks that predict further tokens", () => {
  const config = {
    model_type: "deepseek_v3",
    num_hidden_layers: 2,
    num_nextn_predict_layers: 1,
    n_routed_experts: 0,
    intermediate_size: 512,
    vocab_size: 512,
    hidden_size: 256,
  };
  const block = (layer: number): ReturnType<typeof tensor>[] => [
    tensor(`model.layers.${layer}.input_layernorm.weight`, [256]),
    tensor(`model.layers.${layer}.self_attn.kv_a_proj_with_mqa.weight`, [576, 256]),
  ];
  const main = [...block(0), ...block(1)];
  const mtp = [
    ...block(2),
    tensor("model.layers.2.eh_proj.weight", [256, 512]),
    tensor("model.layers.2.enorm.weight", [256]),
  ];

  it("are layers of their own kind, and weights of their own component", () => {
    const { model, diagnostics } = buildSafetensors(config, [...main, ...mtp]);
    expect([model.layerCount, model.mtpLayerCount, model.layers.length]).toEqual([2, 1, 3]);
    expect(model.layers[2]).toMatchObject({ index: 2, mtp: true, weightBytes: model.weights.byComponent.mtp });
    expect(model.weights.byComponent.mtp).toBe(2 * (256 + 576 * 256 + 256 * 512 + 256));
    expect(model.parameters.total - model.parameters.active).toBe(model.weights.byComponent.mtp / 2);
    expect(diagnostics).toEqual([]);
  });

  it("may have been left out of the files", () => {
    const { model, diagnostics } = buildSafetensors(config, main);
    expect([model.layerCount, model.mtpLayerCount]).toEqual([2, 0]);
    expect(diagnostics).toEqual([]);
  });

  it("are known by their tensors when nothing declares them", () => {
    const { num_nextn_predict_layers: _n, ...undeclared } = config;
    const { model, diagnostics } = buildSafetensors(undeclared, [...main, ...mtp]);
    expect([model.layerCount, model.mtpLayerCount]).toEqual([2, 1]);
    expect(diagnostics).toEqual([]);
  });

  it("may stand in a list of their own", () => {
    const { model } = buildSafetensors(config, [
      ...main,
      tensor("mtp.layers.0.self_attn.kv_a_proj_with_mqa.weight", [576, 256]),
    ]);
    expect([model.layerCount, model.mtpLayerCount]).toEqual([2, 1]);
    expect(model.tensors.at(-1)).toMatchObject({ component: "mtp", layer: 2 });
  });
});

describe("architectures that are not covered", () => {
  it("give their weights, sizes and what the projections prove, and no cache", () => {
    const { model, diagnostics } = buildGguf(
      keysOf("newmodel", {
        block_count: 2,
        embedding_length: 256,
        "attention.head_count": 4,
        "attention.head_count_kv": 2,
        context_length: 512,
        vocab_size: 512,
      }),
      tensors,
    );
    expect(model).toMatchObject({
      architecture: "newmodel",
      layerCount: 2,
      hiddenSize: 256,
      vocabularySize: 512,
      trainedContext: 512,
      attentionHeads: 4,
      kvHeads: 2,
      headDim: null,
    });
    expect(model.layers[1]).toMatchObject({
      mixer: { kind: "unknown", keyWidth: 128, valueWidth: 128 },
      feedForward: { kind: "dense", intermediateSize: 512 },
    });
    expect(model.weights.bytes).toBe(tensors.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(diagnostics).toMatchObject([{ code: "unknown-architecture", where: "general.architecture" }]);
  });

  it("are told apart from files that name none", () => {
    expect(buildGguf({}, tensors).model.architecture).toBeNull();
    const { model, diagnostics } = buildSafetensors(undefined, hfTensors(SMALL));
    expect([model.architecture, model.layerCount, model.hiddenSize]).toEqual([null, 2, 256]);
    expect(diagnostics).toMatchObject([{ code: "unknown-architecture" }]);
  });

  it.each(["__proto__", "constructor", "toString"])("may be called %s", (name) => {
    expect(buildGguf({ "general.architecture": name }).diagnostics).toMatchObject([{ code: "unknown-architecture" }]);
    expect(buildSafetensors(`{"model_type": "${name}"}`).model.architecture).toBe(name);
  });

  it("may have no tensors, as a file that holds a vocabulary alone", () => {
    const { model, diagnostics } = buildGguf(keysOf("llama", { block_count: 2, vocab_size: 32000 }), []);
    expect([model.layerCount, model.vocabularySize, model.weights.bytes]).toEqual([2, 32000, 0]);
    expect(diagnostics.map(({ code, where }) => `${code} ${where}`)).toContain("no-model tensors");
  });

  const GGUF_LORA = [tensor("blk.0.attn_q.weight.lora_a", [256, 8]), tensor("blk.0.attn_q.weight.lora_b", [8, 256])];
  const PEFT_LORA = [tensor("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", [8, 256])];

  it.each([
    ["a projector", { "general.type": "mmproj", "general.architecture": "clip" }, [tensor("mm.0.weight", [8, 8])]],
    ["an old projector", { "general.architecture": "clip" }, [tensor("mm.0.weight", [8, 8])]],
    ["an adapter", { "general.type": "adapter", "general.architecture": "llama" }, GGUF_LORA],
    ["an old adapter", { "adapter.type": "lora", "general.architecture": "llama" }, GGUF_LORA],
    ["an importance matrix", { "general.type": "imatrix" }, [tensor("blk.0.attn_q.weight.in_sum2", [256])]],
    ["a control vector", { "general.architecture": "controlvector" }, [tensor("direction.1", [256])]],
  ])("may be none, but %s: then only weights are given", (_title, keys, tensors) => {
    const { model, diagnostics } = buildGguf(keys, tensors);
    expect(diagnostics).toMatchObject([{ code: "no-model" }]);
    expect([model.layerCount, model.layers, model.architecture]).toEqual([
      null,
      [],
      "general.architecture" in keys ? keys["general.architecture"] : null,
    ]);
    expect(model.weights.bytes).toBe(tensors.reduce((sum, { bytes }) => sum + bytes, 0));
  });

  it("may be none, but an adapter of transformers", () => {
    const { model, diagnostics } = buildSafetensors(undefined, PEFT_LORA);
    expect(diagnostics).toMatchObject([{ code: "no-model" }]);
    expect(model.layers).toEqual([]);
  });

  it("are models with adapters inside them, where the matrices these add to are there too (Phi-4 multimodal)", () => {
    const path = "model.layers.0.self_attn.qkv_proj";
    const { model, diagnostics } = buildSafetensors({ ...SMALL_CONFIG, num_hidden_layers: 1 }, [
      tensor(`${path}.base_layer.weight`, [512, 256]),
      tensor(`${path}.lora_A.speech.weight`, [8, 256]),
      tensor(`${path}.lora_B.speech.weight`, [512, 8]),
    ]);
    expect(diagnostics).toEqual([]);
    expect(model.layerCount).toBe(1);
  });
});

describe("a key that makes no sense leaves the cache unknown, and no default in its place", () => {
  const SPARE = { ...SMALL_CONFIG, head_dim: 64 };

  it.each([
    ["a window that is a text", { ...SPARE, model_type: "gemma3_text", sliding_window: "4096" }, "sliding_window"],
    ["a window below 0", { ...SPARE, model_type: "gpt_oss", sliding_window: -5 }, "sliding_window"],
    ["a window beyond belief", { ...SPARE, model_type: "mistral", sliding_window: 1e300 }, "sliding_window"],
    ["layer types that are no texts", { ...SPARE, model_type: "qwen3", layer_types: [1, 2] }, "layer_types"],
    ["key-value heads below 0", { ...SPARE, num_key_value_heads: -2 }, "num_key_value_heads"],
    ["heads that are a fraction", { ...SPARE, model_type: "qwen3", head_dim: 63.5 }, "head_dim"],
  ])("%s", (_title, config, key) => {
    const { model, diagnostics } = buildSafetensors(config);
    expect(model.layers.map(({ mixer }) => mixer.kind)).toEqual(["unknown", "unknown"]);
    expect(diagnostics.map(({ code, where }) => [code, where])).toEqual([
      ["inconsistent-model", key],
      ["unknown-cache", "layers 0-1"],
    ]);
    expect(diagnostics[1]?.message).toContain(key);
  });

  it("in GGUF as well", () => {
    const { model } = buildGguf({ ...SMALL_KEYS, "llama.attention.head_count_kv": -2 });
    expect(model.layers.map(({ mixer }) => mixer.kind)).toEqual(["unknown", "unknown"]);
  });

  it("but not where it says nothing of how layers attend", () => {
    const { model } = buildSafetensors({ ...SPARE, max_position_embeddings: -1, intermediate_size: "512" });
    expect(model.layers.map(({ mixer }) => mixer.kind)).toEqual(["attention", "attention"]);
  });
});

describe("one matrix for queries, keys and values is held against the configuration", () => {
  const keys = { hidden_size: 256, num_hidden_layers: 1, num_attention_heads: 4, num_key_value_heads: 4 };
  it.each([
    [
      "Falcon",
      { model_type: "falcon", new_decoder_architecture: true, num_kv_heads: 4 },
      "transformer.h",
      "self_attention.query_key_value",
    ],
    [
      "ChatGLM",
      { model_type: "chatglm", multi_query_attention: true, multi_query_group_num: 4, kv_channels: 64 },
      "transformer.encoder.layers",
      "self_attention.query_key_value",
    ],
    ["InternLM 2", { model_type: "internlm2" }, "model.layers", "attention.wqkv"],
    ["MPT", { model_type: "mpt", attn_config: { kv_n_heads: 4 } }, "transformer.blocks", "attn.Wqkv"],
    ["DBRX", { model_type: "dbrx", attn_config: { kv_n_heads: 4 } }, "transformer.blocks", "norm_attn_norm.attn.Wqkv"],
    ["Phi-3", { model_type: "phi3" }, "model.layers", "self_attn.qkv_proj"],
  ])("%s", (_title, config, blocks, matrix) => {
    // Four heads of queries, and two of keys and of values.
    const { model, diagnostics } = buildSafetensors({ ...keys, ...config }, [
      tensor(`${blocks}.0.${matrix}.weight`, [(4 + 2 + 2) * 64, 256]),
    ]);
    expect(model.kvHeads).toBe(2);
    expect(diagnostics.map(({ message }) => message)).toEqual([
      "queries, keys and values 768 wide together by config.json, 512 by the tensors; the tensors win (layer 0)",
    ]);
  });
});

describe("configurations of awkward models do not break the reading", () => {
  it.each([
    [
      "lists where a scalar is usual (OpenELM)",
      {
        model_type: "openelm",
        num_transformer_layers: 2,
        model_dim: 64,
        num_kv_heads: [3, 4],
        num_query_heads: [12, 16],
        ffn_multipliers: [0.5, 1],
      },
    ],
    ["explicit nulls", { model_type: "llama", hidden_size: null, num_hidden_layers: null, num_attention_heads: null }],
    [
      "layers described one by one (Nemotron-NAS)",
      { model_type: "nemotron-nas", num_hidden_layers: 2, block_configs: [{ attention: { no_op: true } }, {}] },
    ],
    [
      "a language_config without a model_type (DeepSeek-OCR)",
      { model_type: "deepseek_vl_v2", language_config: { num_hidden_layers: 12, hidden_size: 1280 } },
    ],
    [
      "other names for everything (ChatGLM)",
      { model_type: "chatglm", num_layers: 28, multi_query_group_num: 2, seq_length: 32768, padded_vocab_size: 65024 },
    ],
    ["texts for numbers", { model_type: "llama", hidden_size: "4096", num_hidden_layers: {}, layer_types: 7 }],
    ["negative and fractional numbers", { model_type: "mamba", expand: -2.5, hidden_size: 1.5, num_hidden_layers: -1 }],
  ])("%s", (_title, config) => {
    const { model } = buildSafetensors(config);
    expect(JSON.parse(JSON.stringify(model))).toEqual(model);
  });
});
