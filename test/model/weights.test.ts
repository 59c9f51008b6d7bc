import { describe, expect, it } from "vitest";
import type { Component } from "../../src/model/model.ts";
import {
  buildGguf,
  buildSafetensors,
  hfTensors,
  type LinearMaker,
  LLAMA_8B,
  LLAMA_8B_CONFIG,
  range,
  SMALL,
  SMALL_CONFIG,
  SMALL_KEYS,
  type Table,
  tensor,
} from "./support.ts";

/** As published: huggingface.js packages/hub parse-safetensors-metadata.spec.ts, and the model's own index. */
const LLAMA_8B_PARAMETERS = 8_030_261_248;

const gptq: LinearMaker = (path, outputs, inputs) => [
  tensor(`${path}.qweight`, [inputs / 8, outputs], "I32"),
  tensor(`${path}.qzeros`, [inputs / 128, outputs / 8], "I32"),
  tensor(`${path}.scales`, [inputs / 128, outputs], "F16"),
  tensor(`${path}.g_idx`, [inputs], "I32"),
];
const awq: LinearMaker = (path, outputs, inputs) => [
  tensor(`${path}.qweight`, [inputs, outputs / 8], "I32"),
  tensor(`${path}.qzeros`, [inputs / 128, outputs / 8], "I32"),
  tensor(`${path}.scales`, [inputs / 128, outputs], "F16"),
];
const bitsandbytes: LinearMaker = (path, outputs, inputs) => [
  tensor(`${path}.weight`, [(outputs * inputs) / 2, 1], "U8"),
  tensor(`${path}.weight.absmax`, [(outputs * inputs) / 64], "U8"),
  tensor(`${path}.weight.nested_absmax`, [(outputs * inputs) / 64 / 256], "F32"),
  tensor(`${path}.weight.quant_map`, [16], "F32"),
  tensor(`${path}.weight.nested_quant_map`, [256], "F32"),
  tensor(`${path}.weight.quant_state.bitsandbytes__nf4`, [87], "U8"),
];
const w4a16: LinearMaker = (path, outputs, inputs) => [
  tensor(`${path}.weight_packed`, [outputs, inputs / 8], "I32"),
  tensor(`${path}.weight_scale`, [outputs, inputs / 128], "F16"),
  tensor(`${path}.weight_shape`, [2], "I64"),
];
const nvfp4: LinearMaker = (path, outputs, inputs) => [
  tensor(`${path}.weight`, [outputs, inputs / 2], "U8"),
  tensor(`${path}.weight_scale`, [outputs, inputs / 16], "F8_E4M3"),
  tensor(`${path}.weight_scale_2`, [], "F32"),
  tensor(`${path}.input_scale`, [], "F32"),
];
const fp8: LinearMaker = (path, outputs, inputs) => [
  tensor(`${path}.weight`, [outputs, inputs], "F8_E4M3"),
  tensor(`${path}.weight_scale_inv`, [outputs / 128, inputs / 128], "F32"),
];
const int8: LinearMaker = (path, outputs, inputs) => [
  tensor(`${path}.weight`, [outputs, inputs], "I8"),
  tensor(`${path}.SCB`, [outputs], "F32"),
  tensor(`${path}.weight_format`, [], "U8"),
];
const mlx: LinearMaker = (path, outputs, inputs) => [
  tensor(`${path}.weight`, [outputs, inputs / 8], "U32"),
  tensor(`${path}.scales`, [outputs, inputs / 64], "BF16"),
  tensor(`${path}.biases`, [outputs, inputs / 64], "BF16"),
];

describe("parameters of packed weights are those of the model they stand for", () => {
  const int4Group = { config_groups: { group_0: { weights: { num_bits: 4, group_size: 128 } } } };
  it.each<[title: string, linear: LinearMaker, quantization: object | undefined, method: string]>([
    ["GPTQ", gptq, { quantization_config: { quant_method: "gptq", bits: 4 } }, "gptq"],
    ["GPTQ without a configuration", gptq, undefined, "gptq"],
    ["AWQ without a configuration", awq, undefined, "awq"],
    [
      "GPTQ whose configuration says other bits",
      gptq,
      { quantization_config: { quant_method: "gptq", bits: 8 } },
      "gptq",
    ],
    ["bitsandbytes nf4", bitsandbytes, { quantization_config: { quant_method: "bitsandbytes" } }, "bitsandbytes"],
    ["bitsandbytes int8", int8, undefined, "bitsandbytes"],
    [
      "compressed-tensors w4a16",
      w4a16,
      { quantization_config: { quant_method: "compressed-tensors", ...int4Group } },
      "compressed-tensors",
    ],
    ["NVFP4", nvfp4, undefined, "nvfp4"],
    ["FP8", fp8, { quantization_config: { quant_method: "fp8" } }, "fp8"],
    ["MLX", mlx, { quantization: { group_size: 64, bits: 4 } }, "mlx"],
  ])("%s", (_title, linear, quantization, method) => {
    const { model, diagnostics } = buildSafetensors(
      { ...LLAMA_8B_CONFIG, ...quantization },
      hfTensors(LLAMA_8B, { linear }),
    );
    expect(model.parameters.total).toBe(LLAMA_8B_PARAMETERS);
    expect(model.quantization?.method).toBe(method);
    expect(diagnostics).toEqual([]);
  });

  it("has the bits per weight of GPTQ with groups of 128", () => {
    const { model } = buildSafetensors(SMALL_CONFIG, gptq("model.layers.0.mlp.up_proj", 4096, 4096));
    // 4 + 16/128 + 4/128 + 32/4096
    expect(model.quantization?.bitsPerWeight).toBeCloseTo(4.1640625, 10);
  });

  it("reads 3-bit values across the words of GPTQ and within those of compressed-tensors", () => {
    const path = "model.layers.0.mlp.up_proj";
    const dense = [
      tensor(`${path}.qweight`, [384, 512], "I32"),
      tensor(`${path}.qzeros`, [32, 48], "I32"),
      tensor(`${path}.scales`, [32, 512], "F16"),
    ];
    expect(buildSafetensors(SMALL_CONFIG, dense).model.parameters.total).toBe(4096 * 512);
    const quantization_config = { config_groups: { a: { weights: { num_bits: 3, group_size: 128 } } } };
    const gaps = [tensor(`${path}.weight_packed`, [512, 410], "I32"), tensor(`${path}.weight_scale`, [512, 32], "F16")];
    expect(buildSafetensors({ ...SMALL_CONFIG, quantization_config }, gaps).model.parameters.total).toBe(4096 * 512);
  });

  it("follows the modules MLX packs differently", () => {
    const quantization = { group_size: 64, bits: 4, "model.layers.0.mlp.up_proj": { group_size: 64, bits: 8 } };
    const eightBit = [
      tensor("model.layers.0.mlp.up_proj.weight", [512, 64], "U32"),
      tensor("model.layers.0.mlp.up_proj.scales", [512, 4], "BF16"),
    ];
    expect(buildSafetensors({ ...SMALL_CONFIG, quantization }, eightBit).model.parameters.total).toBe(512 * 256);
  });

  it("says so when a packing is not decoded, and counts what is stored", () => {
    const { model, diagnostics } = buildSafetensors(
      { ...SMALL_CONFIG, num_hidden_layers: 1, quantization_config: { quant_method: "hqq" } },
      [tensor("model.layers.0.mlp.up_proj.W_q", [64, 64], "U8")],
    );
    expect(model.parameters.total).toBe(4096);
    expect(model.quantization?.method).toBe("hqq");
    expect(diagnostics).toMatchObject([{ code: "undecoded-weights", where: "model.layers.0.mlp.up_proj.W_q" }]);
    expect(
      buildSafetensors({ ...SMALL_CONFIG, num_hidden_layers: 1 }, mlx("model.layers.0.mlp.up_proj", 64, 64))
        .diagnostics,
    ).toMatchObject([{ code: "undecoded-weights" }]);
  });

  it("takes nothing for packed that is not", () => {
    const { model, diagnostics } = buildSafetensors({ model_type: "roberta" }, [
      tensor("roberta.embeddings.position_ids", [1, 514], "I64"),
      tensor("h.0.attn.bias", [1, 1, 1024, 1024], "U8"),
      tensor("vision_tower.scale", [16]),
    ]);
    expect(model.parameters.total).toBe(514 + 1024 * 1024 + 16);
    expect(model.quantization).toBeNull();
    expect(diagnostics).toEqual([]);
  });
});

describe("parameters of mixtures of experts", () => {
  /** openai/gpt-oss-20b, as published: BF16 1,804,459,584 and 19,110,297,600 in 4-bit blocks. */
  const gptOss = (): Table => {
    const [hidden, experts] = [2880, 32];
    return [
      tensor("model.embed_tokens.weight", [201088, hidden]),
      tensor("model.norm.weight", [hidden]),
      tensor("lm_head.weight", [201088, hidden]),
      ...range(24).flatMap((layer) => {
        const path = `model.layers.${layer}`;
        const bias = (name: string, outputs: number): Table => [
          tensor(`${path}.self_attn.${name}.weight`, name === "o_proj" ? [outputs, 4096] : [outputs, hidden]),
          tensor(`${path}.self_attn.${name}.bias`, [outputs]),
        ];
        const blocks = (name: string, outputs: number): Table => [
          tensor(`${path}.mlp.experts.${name}_blocks`, [experts, outputs, hidden / 32, 16], "U8"),
          tensor(`${path}.mlp.experts.${name}_scales`, [experts, outputs, hidden / 32], "U8"),
          tensor(`${path}.mlp.experts.${name}_bias`, [experts, outputs]),
        ];
        return [
          tensor(`${path}.input_layernorm.weight`, [hidden]),
          tensor(`${path}.post_attention_layernorm.weight`, [hidden]),
          ...[...bias("q_proj", 4096), ...bias("k_proj", 512), ...bias("v_proj", 512), ...bias("o_proj", hidden)],
          tensor(`${path}.self_attn.sinks`, [64]),
          tensor(`${path}.mlp.router.weight`, [experts, hidden]),
          tensor(`${path}.mlp.router.bias`, [experts]),
          ...[...blocks("gate_up_proj", 2 * hidden), ...blocks("down_proj", hidden)],
        ];
      }),
    ];
  };

  it("count two per byte of the blocks of gpt-oss and none for their scales", () => {
    const tensors = gptOss();
    const { model, diagnostics } = buildSafetensors(
      { model_type: "gpt_oss", num_hidden_layers: 24, num_local_experts: 32 },
      tensors,
    );
    expect(model.parameters.total).toBe(20_914_757_184);
    expect(diagnostics).toEqual([]);
    expect(model.quantization?.method).toBe("mxfp4");
    const routed = model.tensors.filter(({ component }) => component === "experts");
    const inExperts = routed.reduce((sum, { parameters }) => sum + parameters, 0);
    expect(model.parameters.active).toBe(20_914_757_184 - inExperts + (inExperts * 4) / 32);
    // OpenAI's model card says 3.61 B, the token embedding left out.
    expect(model.parameters.active - 201_088 * 2880).toBe(3_608_307_264);
  });

  it("count as active what one token visits", () => {
    const keys = { ...SMALL_KEYS, "llama.block_count": 1, "llama.expert_count": 8, "llama.expert_used_count": 2 };
    const { model } = buildGguf(keys, [
      tensor("blk.0.ffn_gate_inp.weight", [256, 8], "F32"),
      tensor("blk.0.ffn_up_exps.weight", [256, 512, 8], "F16"),
      tensor("blk.0.ffn_gate_exps.weight", [256, 512, 8], "F16"),
      tensor("blk.0.ffn_down_exps.weight", [512, 256, 8], "F16"),
    ]);
    expect(model.parameters).toEqual({ total: 2048 + 24 * 131072, active: 2048 + 6 * 131072 });
    expect(model.weights.byComponent).toMatchObject({ experts: 48 * 131072, feedForward: 4 * 2048 });
  });
});

describe("weights", () => {
  it("sum to the tensors by dtype, by component and, with what has no layer, by layer", () => {
    const tensors = hfTensors(SMALL);
    const bytes = tensors.reduce((sum, tensorEntry) => sum + tensorEntry.bytes, 0);
    const { model } = buildSafetensors(SMALL_CONFIG, tensors);
    expect(model.weights.bytes).toBe(bytes);
    expect(model.weights.byDtype).toEqual({ BF16: { tensors: tensors.length, bytes } });
    expect(Object.values(model.weights.byComponent).reduce((a, b) => a + b, 0)).toBe(bytes);
    const outside = 2 * (2 * 512 * 256 + 256);
    expect(model.layers.reduce((sum, { weightBytes }) => sum + weightBytes, outside)).toBe(bytes);
  });

  it("are tied when no output matrix is stored, unless the configuration says", () => {
    const tied = hfTensors(SMALL, { tied: true });
    expect(buildSafetensors({ ...SMALL_CONFIG, tie_word_embeddings: true }, tied).model.tiedEmbeddings).toBe(true);
    expect(
      buildSafetensors({ ...SMALL_CONFIG, tie_word_embeddings: true }, hfTensors(SMALL)).model.tiedEmbeddings,
    ).toBe(true);
    expect(
      buildSafetensors({ ...SMALL_CONFIG, tie_word_embeddings: false }, hfTensors(SMALL)).model.tiedEmbeddings,
    ).toBe(false);
    expect(buildSafetensors(undefined, tied).model.tiedEmbeddings).toBe(true);
    expect(buildSafetensors({ model_type: "bert" }, tied).model.tiedEmbeddings).toBe(false);
  });

  it("are ggml's when a GGUF file holds a quantized type", () => {
    expect(
      buildGguf(SMALL_KEYS, [{ ...tensor("token_embd.weight", [256, 512], "Q8_0"), bytes: 139264 }]).model.quantization,
    ).toEqual({ method: "ggml", bitsPerWeight: 8.5 });
    expect(buildGguf(SMALL_KEYS, [tensor("token_embd.weight", [256, 512], "F16")]).model.quantization).toBeNull();
  });

  it.each<[name: string, component: Component, layer?: number]>([
    ["model.embed_tokens.weight", "embedding"],
    ["model.language_model.layers.1.self_attn.k_proj.weight_scale_inv", "attention", 1],
    ["transformer.h.1.attn.c_attn.weight", "attention", 1],
    ["backbone.layers.1.mixer.in_proj.weight", "recurrent", 1],
    ["backbone.layers.1.mixer.k_proj.weight", "attention", 1],
    ["encoder.layer.1.attention.self.query.weight", "attention", 1],
    ["bert.encoder.layer.1.intermediate.dense.weight", "feedForward", 1],
    ["distilbert.transformer.layer.1.ffn.lin1.weight", "feedForward", 1],
    ["model.layers.1.mlp.experts.7.up_proj.weight", "experts", 1],
    ["model.layers.1.mlp.experts.gate_up_proj_blocks", "experts", 1],
    ["model.layers.1.mlp.shared_experts.up_proj.weight", "feedForward", 1],
    ["model.layers.1.mlp.gate.weight", "feedForward", 1],
    ["model.layers.1.self_attn.q_norm.weight", "norm", 1],
    ["model.layers.1.linear_attn.in_proj_qkvz.weight", "recurrent", 1],
    ["model.layers.1.conv.in_proj.weight", "recurrent", 1],
    ["layers.1.attention.wk.weight", "attention", 1],
    ["visual.blocks.1.attn.qkv.weight", "vision"],
    ["vision_tower.vision_model.encoder.layers.1.self_attn.k_proj.weight", "vision"],
    ["multi_modal_projector.linear_1.weight", "vision"],
    ["mtp.fc.weight", "mtp"],
    ["model.norm.weight", "norm"],
    ["lm_head.weight", "output"],
    ["something_else", "other"],
  ])("puts %s under %s", (name, component, layer) => {
    const described = buildSafetensors(undefined, [tensor(name, [1])]).model.tensors[0];
    expect([described?.component, described?.layer]).toEqual([component, layer]);
  });

  it.each<[name: string, component: Component, layer?: number]>([
    ["token_embd.weight", "embedding"],
    ["token_embd_norm.weight", "norm"],
    ["output.weight", "output"],
    ["output_norm.weight", "norm"],
    ["rope_freqs.weight", "other"],
    ["blk.1.attn_q.weight", "attention", 1],
    ["blk.1.attn_kv_a_norm.weight", "norm", 1],
    ["blk.1.ffn_up_exps.weight", "experts", 1],
    ["blk.1.ffn_up.3.weight", "experts", 1],
    ["blk.1.ffn_up_shexp.weight", "feedForward", 1],
    ["blk.1.ffn_gate_inp.weight", "feedForward", 1],
    ["blk.1.ssm_conv1d.weight", "recurrent", 1],
    ["blk.1.shortconv.in_proj.weight", "recurrent", 1],
    ["v.blk.1.attn_q.weight", "vision"],
    ["mm.0.weight", "vision"],
  ])("puts %s of a GGUF file under %s", (name, component, layer) => {
    const described = buildGguf({}, [tensor(name, [1], "F32")]).model.tensors[0];
    expect([described?.component, described?.layer]).toEqual([component, layer]);
  });

  it("belong to the decoder where there is an encoder too", () => {
    const { model } = buildSafetensors(undefined, [
      tensor("encoder.block.5.layer.0.SelfAttention.k.weight", [8, 8]),
      tensor("decoder.block.1.layer.0.SelfAttention.k.weight", [8, 8]),
    ]);
    expect(model.layerCount).toBe(2);
    expect(model.tensors.map(({ layer }) => layer)).toEqual([undefined, 1]);
  });
});
