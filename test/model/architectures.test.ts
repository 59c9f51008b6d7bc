import { describe, expect, it } from "vitest";
import type { GgufScalar } from "../../src/formats/gguf/value.ts";
import type { BuiltModel } from "../../src/model/build.ts";
import type { Mixer } from "../../src/model/mixer.ts";
import { buildGguf, buildSafetensors, keysOf, range } from "./support.ts";

type Keys = Record<string, GgufScalar | readonly GgufScalar[]>;

/** A layer in a word: `8x128/8x128`, with its window; `latent 512+64`; `mamba1 …`. */
function summary(mixer: Mixer): string {
  switch (mixer.kind) {
    case "attention": {
      const { heads, kvHeads, keyDim, valueDim, window, causal } = mixer;
      const dims = keyDim === valueDim ? `${keyDim}` : `${keyDim}/${valueDim}`;
      const seen = window.kind === "none" ? "" : ` ${window.kind} ${window.tokens}`;
      return `${heads}/${kvHeads}x${dims}${seen}${causal ? "" : " both ways"}`;
    }
    case "latent":
      return `latent ${mixer.heads}x ${mixer.kvLoraRank}+${mixer.ropeDim}, ${mixer.nopeDim}/${mixer.valueDim}, ${mixer.upProjection}`;
    case "recurrent":
      return `${mixer.family} ${mixer.state.map(({ name, shape }) => `${name} ${shape.join("x")}`).join(", ")}`;
    case "parallel":
      return `${summary(mixer.attention)} beside ${summary(mixer.recurrent)}`;
    default:
      return mixer.kind;
  }
}

/** Runs of equal layers: `5*a, 1*b, …`. */
function layersOf(model: BuiltModel): string[] {
  const runs: { text: string; count: number }[] = [];
  for (const { mixer } of model.layers) {
    const text = summary(mixer);
    const last = runs.at(-1);
    if (last?.text === text) last.count++;
    else runs.push({ text, count: 1 });
  }
  return runs.map(({ text, count }) => `${count} x ${text}`);
}

const GQA: Keys = {
  block_count: 4,
  embedding_length: 1024,
  "attention.head_count": 8,
  "attention.head_count_kv": 2,
  feed_forward_length: 2048,
};
const GQA_CONFIG = {
  num_hidden_layers: 4,
  hidden_size: 1024,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  intermediate_size: 2048,
};

describe("layers from GGUF keys", () => {
  const cases: readonly [title: string, architecture: string, keys: Keys, layers: readonly string[]][] = [
    ["llama takes head sizes from hidden / heads", "llama", GQA, ["4 x 8/2x128"]],
    [
      "llama without key/value heads has as many as heads",
      "llama",
      { ...GQA, "attention.head_count_kv": [8, 8, 8, 8] },
      ["4 x 8/8x128"],
    ],
    [
      "llama does not use a sliding window (Mistral 7B v0.1)",
      "llama",
      { ...GQA, "attention.sliding_window": 4096 },
      ["4 x 8/2x128"],
    ],
    ["qwen2 does not use a sliding window", "qwen2", { ...GQA, "attention.sliding_window": 4096 }, ["4 x 8/2x128"]],
    [
      "qwen3 has head sizes of its own",
      "qwen3",
      { ...GQA, "attention.key_length": 64, "attention.value_length": 64 },
      ["4 x 8/2x64"],
    ],
    [
      "gemma has head sizes of its own",
      "gemma",
      { ...GQA, "attention.key_length": 256, "attention.value_length": 256 },
      ["4 x 8/2x256"],
    ],
    [
      "gemma2 alternates, with 4096 when no window is given",
      "gemma2",
      GQA,
      ["1 x 8/2x128 sliding 4096", "1 x 8/2x128", "1 x 8/2x128 sliding 4096", "1 x 8/2x128"],
    ],
    [
      "gemma3 has every sixth layer full",
      "gemma3",
      { ...GQA, block_count: 8, "attention.sliding_window": 1024 },
      ["5 x 8/2x128 sliding 1024", "1 x 8/2x128", "2 x 8/2x128 sliding 1024"],
    ],
    ["gemma3 without a window has none", "gemma3", GQA, ["4 x 8/2x128"]],
    ["gemma3 with a window of 0 has none", "gemma3", { ...GQA, "attention.sliding_window": 0 }, ["4 x 8/2x128"]],
    [
      "a scalar pattern is a period",
      "gemma3",
      { ...GQA, "attention.sliding_window": 512, "attention.sliding_window_pattern": 2 },
      ["1 x 8/2x128 sliding 512", "1 x 8/2x128", "1 x 8/2x128 sliding 512", "1 x 8/2x128"],
    ],
    [
      "a pattern of 0 slides everywhere",
      "gemma3",
      { ...GQA, "attention.sliding_window": 512, "attention.sliding_window_pattern": 0 },
      ["4 x 8/2x128 sliding 512"],
    ],
    [
      "an array pattern says each layer, padding ignored",
      "gpt-oss",
      {
        ...GQA,
        "attention.sliding_window": 128,
        "attention.sliding_window_pattern": [true, true, false, true, false, false],
      },
      ["2 x 8/2x128 sliding 128", "1 x 8/2x128", "1 x 8/2x128 sliding 128"],
    ],
    [
      "gpt-oss alternates",
      "gpt-oss",
      { ...GQA, "attention.sliding_window": 128 },
      ["1 x 8/2x128 sliding 128", "1 x 8/2x128", "1 x 8/2x128 sliding 128", "1 x 8/2x128"],
    ],
    ["phi3 ignores its window", "phi3", { ...GQA, "attention.sliding_window": 2047 }, ["4 x 8/2x128"]],
    [
      "deepseek2 with MLA keys is latent and absorbed",
      "deepseek2",
      {
        ...GQA,
        "attention.head_count": 16,
        "attention.head_count_kv": 1,
        "attention.kv_lora_rank": 512,
        "attention.key_length": 576,
        "attention.value_length": 512,
        "attention.key_length_mla": 192,
        "attention.value_length_mla": 128,
        "rope.dimension_count": 64,
      },
      ["4 x latent 16x 512+64, 128/128, absorbed"],
    ],
    [
      "deepseek2 of before the MLA keys caches expanded heads",
      "deepseek2",
      {
        ...GQA,
        "attention.head_count": 16,
        "attention.head_count_kv": 16,
        "attention.kv_lora_rank": 512,
        "attention.key_length": 192,
        "attention.value_length": 128,
        "rope.dimension_count": 64,
      },
      ["4 x 16/16x192/128"],
    ],
    [
      "mamba convolves its inner channels and ignores groups",
      "mamba",
      {
        block_count: 24,
        embedding_length: 768,
        "attention.head_count": 0,
        "ssm.conv_kernel": 4,
        "ssm.inner_size": 1536,
        "ssm.state_size": 16,
        "ssm.group_count": 8,
      },
      ["24 x mamba1 convolution 1536x3, ssm 1536x16"],
    ],
    [
      "mamba2 convolves B and C as well",
      "mamba2",
      {
        block_count: 64,
        embedding_length: 4096,
        "ssm.conv_kernel": 4,
        "ssm.inner_size": 8192,
        "ssm.state_size": 128,
        "ssm.group_count": 8,
      },
      ["64 x mamba2 convolution 10240x3, ssm 8192x128"],
    ],
    [
      "lfm2 convolves where there are no key/value heads",
      "lfm2",
      { ...GQA, "attention.head_count_kv": [0, 0, 2, 0], "shortconv.l_cache": 3 },
      ["2 x short-convolution convolution 1024x2", "1 x 8/2x128", "1 x short-convolution convolution 1024x2"],
    ],
    ["bert looks both ways", "bert", { ...GQA, "attention.head_count_kv": 8 }, ["4 x 8/8x128 both ways"]],
  ];

  it.each(cases)("%s", (_title, architecture, keys, layers) => {
    const { model, diagnostics } = buildGguf(keysOf(architecture, keys));
    expect(layersOf(model)).toEqual(layers);
    expect(diagnostics).toEqual([]);
    expect(model.causal).toBe(architecture !== "bert");
  });
});

describe("layers from config.json", () => {
  const sliding = (tokens: number): string => `8/2x128 sliding ${tokens}`;
  const cases: readonly [title: string, config: object, layers: readonly string[]][] = [
    ["llama", { model_type: "llama", ...GQA_CONFIG }, ["4 x 8/2x128"]],
    [
      "llama without key/value heads has as many as heads",
      { model_type: "llama", ...GQA_CONFIG, num_key_value_heads: null },
      ["4 x 8/8x128"],
    ],
    [
      "an explicit null head size is hidden / heads",
      { model_type: "mistral", ...GQA_CONFIG, head_dim: null, sliding_window: null },
      ["4 x 8/2x128"],
    ],
    [
      "an explicit head size wins",
      { model_type: "mistral", ...GQA_CONFIG, head_dim: 160, sliding_window: null },
      ["4 x 8/2x160"],
    ],
    [
      "mistral slides in every layer",
      { model_type: "mistral", ...GQA_CONFIG, sliding_window: 4096 },
      [`4 x ${sliding(4096)}`],
    ],
    [
      "mistral that says nothing of a window slides over 4096",
      { model_type: "mistral", ...GQA_CONFIG },
      [`4 x ${sliding(4096)}`],
    ],
    ["mixtral that says nothing of a window has none", { model_type: "mixtral", ...GQA_CONFIG }, ["4 x 8/2x128"]],
    [
      "qwen2 with windows switched off",
      { model_type: "qwen2", ...GQA_CONFIG, sliding_window: 131072, max_window_layers: 2, use_sliding_window: false },
      ["4 x 8/2x128"],
    ],
    [
      "qwen2 slides from max_window_layers on",
      { model_type: "qwen2", ...GQA_CONFIG, sliding_window: 4096, max_window_layers: 3, use_sliding_window: true },
      ["3 x 8/2x128", `1 x ${sliding(4096)}`],
    ],
    [
      "qwen2_moe alternates below max_window_layers",
      { model_type: "qwen2_moe", ...GQA_CONFIG, sliding_window: 4096, max_window_layers: 2, use_sliding_window: true },
      [`1 x ${sliding(4096)}`, "3 x 8/2x128"],
    ],
    [
      "qwen3 leaves its head size of 128 out",
      { model_type: "qwen3", ...GQA_CONFIG, num_attention_heads: 16 },
      ["4 x 16/2x128"],
    ],
    [
      "qwen3_moe without a head size divides",
      { model_type: "qwen3_moe", ...GQA_CONFIG, num_attention_heads: 16 },
      ["4 x 16/2x64"],
    ],
    [
      "phi3 slides in transformers",
      { model_type: "phi3", ...GQA_CONFIG, sliding_window: 2047 },
      [`4 x ${sliding(2047)}`],
    ],
    [
      "yuan keeps the last two hidden vectors beside its keys and values",
      { model_type: "yuan", ...GQA_CONFIG },
      ["4 x 8/8x128 beside short-convolution shift 2x1024"],
    ],
    [
      "rwkv5 looks one token back in both halves and has a matrix per head",
      { model_type: "rwkv5", num_hidden_layers: 4, hidden_size: 1024, head_size: 64 },
      ["4 x rwkv shift 2x1024, linear 1024x64"],
    ],
    [
      "phi under its first name has the keys of GPT-2",
      { model_type: "phi-msft", n_layer: 4, n_embd: 1024, n_head: 8, n_head_kv: null, n_inner: null },
      ["4 x 8/8x128"],
    ],
    ["llava with the keys of its llama at the root", { model_type: "llava", ...GQA_CONFIG }, ["4 x 8/2x128"]],
    ["gemma leaves its head size of 256 out", { model_type: "gemma", ...GQA_CONFIG }, ["4 x 8/2x256"]],
    [
      "gemma2 alternates",
      { model_type: "gemma2", ...GQA_CONFIG, head_dim: 128 },
      [`1 x ${sliding(4096)}`, "1 x 8/2x128", `1 x ${sliding(4096)}`, "1 x 8/2x128"],
    ],
    [
      "gemma3 follows sliding_window_pattern, and not the private copy that is saved beside layer_types",
      {
        model_type: "gemma3_text",
        ...GQA_CONFIG,
        head_dim: 128,
        sliding_window_pattern: 4,
        _sliding_window_pattern: 2,
      },
      [`3 x ${sliding(4096)}`, "1 x 8/2x128"],
    ],
    [
      "gpt_oss alternates over 128",
      { model_type: "gpt_oss", ...GQA_CONFIG, head_dim: 128 },
      [`1 x ${sliding(128)}`, "1 x 8/2x128", `1 x ${sliding(128)}`, "1 x 8/2x128"],
    ],
    [
      "layer_types win over any pattern",
      {
        model_type: "gpt_oss",
        ...GQA_CONFIG,
        head_dim: 128,
        layer_types: ["full_attention", "full_attention", "sliding_attention", "full_attention"],
      },
      ["2 x 8/2x128", `1 x ${sliding(128)}`, "1 x 8/2x128"],
    ],
    [
      "deepseek_v3 is latent and joint, with one block more that predicts a further token",
      {
        model_type: "deepseek_v3",
        num_hidden_layers: 4,
        num_attention_heads: 128,
        num_key_value_heads: 128,
        kv_lora_rank: 512,
        qk_rope_head_dim: 64,
        qk_nope_head_dim: 128,
        v_head_dim: 128,
        num_nextn_predict_layers: 1,
      },
      ["5 x latent 128x 512+64, 128/128, joint"],
    ],
    [
      "mamba widens its hidden size by expand",
      { model_type: "mamba", num_hidden_layers: 24, hidden_size: 768, state_size: 16, conv_kernel: 4, expand: 2 },
      ["24 x mamba1 convolution 1536x3, ssm 1536x16"],
    ],
    [
      "mamba2 has 8 groups when it does not say",
      { model_type: "mamba2", num_hidden_layers: 2, hidden_size: 4096, state_size: 128 },
      ["2 x mamba2 convolution 10240x3, ssm 8192x128"],
    ],
    [
      "lfm2 before layer_types",
      { model_type: "lfm2", ...GQA_CONFIG, conv_L_cache: 3, full_attn_idxs: [2] },
      ["2 x short-convolution convolution 1024x2", "1 x 8/2x128", "1 x short-convolution convolution 1024x2"],
    ],
    [
      "lfm2 with layer_types",
      { model_type: "lfm2", ...GQA_CONFIG, layer_types: ["conv", "full_attention", "conv", "conv"] },
      ["1 x short-convolution convolution 1024x2", "1 x 8/2x128", "2 x short-convolution convolution 1024x2"],
    ],
    [
      "xlm-roberta looks both ways",
      { model_type: "xlm-roberta", ...GQA_CONFIG, num_key_value_heads: 8 },
      ["4 x 8/8x128 both ways"],
    ],
    [
      "distilbert by its own names",
      { model_type: "distilbert", n_layers: 6, n_heads: 12, dim: 768, hidden_dim: 3072 },
      ["6 x 12/12x64 both ways"],
    ],
  ];

  it.each(cases)("%s", (_title, config, layers) => {
    const { model, diagnostics } = buildSafetensors(config);
    expect(layersOf(model)).toEqual(layers);
    expect(diagnostics).toEqual([]);
  });

  it("gives gemma3 its defaults when the text config carries only a handful of keys", () => {
    // https://huggingface.co/google/gemma-3-4b-it/blob/main/config.json
    const { model, diagnostics } = buildSafetensors({
      model_type: "gemma3",
      text_config: {
        hidden_size: 2560,
        intermediate_size: 10240,
        model_type: "gemma3_text",
        num_hidden_layers: 34,
        sliding_window: 1024,
      },
      vision_config: { hidden_size: 1152, num_hidden_layers: 27 },
    });
    expect(model).toMatchObject({
      architecture: "gemma3",
      layerCount: 34,
      hiddenSize: 2560,
      vocabularySize: 262208,
      trainedContext: 131072,
      attentionHeads: 8,
      kvHeads: 4,
      headDim: { key: 256, value: 256 },
      tiedEmbeddings: true,
    });
    const full = model.layers.filter(({ mixer }) => mixer.kind === "attention" && mixer.window.kind === "none");
    expect(full.map(({ index }) => index)).toEqual([5, 11, 17, 23, 29]);
    expect(diagnostics).toEqual([]);
  });

  it("finds the language model of a multimodal configuration", () => {
    for (const [outer, inner] of [
      ["llava", "text_config"],
      ["internvl_chat", "llm_config"],
      ["glm_asr", "lm_config"],
    ] as const) {
      const { model } = buildSafetensors({ model_type: outer, [inner]: { model_type: "llama", ...GQA_CONFIG } });
      expect([model.architecture, model.layerCount, model.kvHeads]).toEqual([outer, 4, 2]);
    }
  });

  it("does not call a layer full or sliding when its type is unknown", () => {
    const { model, diagnostics } = buildSafetensors({
      model_type: "qwen3",
      ...GQA_CONFIG,
      layer_types: ["full_attention", "hyper_attention", "full_attention", "full_attention"],
    });
    expect(model.layers.map(({ mixer }) => mixer.kind)).toEqual(["attention", "unknown", "attention", "attention"]);
    expect(diagnostics).toMatchObject([{ code: "unknown-cache", where: "layer 1" }]);
    expect(diagnostics[0]?.message).toContain("hyper_attention");
  });
});

describe("feed-forward parts", () => {
  const experts = (layer: BuiltModel["layers"][number] | undefined): unknown => layer?.feedForward;

  it("takes the experts of Mixtral from either format", () => {
    const expected = {
      kind: "experts",
      experts: 8,
      expertsPerToken: 2,
      expertIntermediateSize: 2048,
      sharedIntermediateSize: 0,
    };
    const gguf = buildGguf(keysOf("llama", { ...GQA, expert_count: 8, expert_used_count: 2 }));
    expect(experts(gguf.model.layers[3])).toEqual(expected);
    const hf = buildSafetensors({ model_type: "mixtral", ...GQA_CONFIG });
    expect(experts(hf.model.layers[3])).toEqual(expected);
  });

  it("has dense layers before the experts of DeepSeek", () => {
    const expected = {
      kind: "experts",
      experts: 64,
      expertsPerToken: 6,
      expertIntermediateSize: 1408,
      sharedIntermediateSize: 2816,
    };
    const gguf = buildGguf(
      keysOf("deepseek2", {
        ...GQA,
        leading_dense_block_count: 1,
        expert_count: 64,
        expert_used_count: 6,
        expert_shared_count: 2,
        expert_feed_forward_length: 1408,
      }),
    );
    expect(gguf.model.layers.slice(0, 2).map(experts)).toEqual([{ kind: "dense", intermediateSize: 2048 }, expected]);
    const hf = buildSafetensors({
      model_type: "deepseek_v2",
      ...GQA_CONFIG,
      first_k_dense_replace: 1,
      n_routed_experts: 64,
      num_experts_per_tok: 6,
      n_shared_experts: 2,
      moe_intermediate_size: 1408,
    });
    expect(hf.model.layers.slice(0, 2).map(experts)).toEqual([{ kind: "dense", intermediateSize: 2048 }, expected]);
  });

  it("leaves out the experts of the layers Qwen names", () => {
    const { model } = buildSafetensors({
      model_type: "qwen3_moe",
      ...GQA_CONFIG,
      num_experts: 16,
      num_experts_per_tok: 4,
      moe_intermediate_size: 128,
      decoder_sparse_step: 2,
      mlp_only_layers: [3],
    });
    expect(model.layers.map(({ feedForward }) => feedForward.kind)).toEqual(["dense", "experts", "dense", "dense"]);
  });

  it("adjusts the width of LFM2 as its module does", () => {
    // LFM2-1.2B: block_ff_dim 12288 becomes 8192.
    const { model } = buildSafetensors({
      model_type: "lfm2",
      ...GQA_CONFIG,
      block_ff_dim: 12288,
      block_multiple_of: 256,
      block_ffn_dim_multiplier: 1.0,
      block_auto_adjust_ff_dim: true,
    });
    expect(model.layers[0]?.feedForward).toEqual({ kind: "dense", intermediateSize: 8192 });
  });
});

it("counts the last blocks of a GGUF file as those that predict further tokens", () => {
  const { model } = buildGguf(keysOf("deepseek2", { ...GQA, nextn_predict_layers: 1 }));
  expect([model.layerCount, model.mtpLayerCount]).toEqual([3, 1]);
  expect(model.layers.map(({ mtp }) => mtp)).toEqual([undefined, undefined, undefined, true]);
  expect(range(4)).toEqual(model.layers.map(({ index }) => index));
});
