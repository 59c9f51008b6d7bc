import { describe, expect, it } from "vitest";
import { buildGguf, buildSafetensors, range, SMALL_KEYS, type Table, tensor } from "./support.ts";

const HIDDEN = 256;
const WIDTH = 64;
const EXPERTS = 8;

const EMBEDDING = tensor("model.embed_tokens.weight", [512, HIDDEN]);

/** Configuration keys that claim twice the experts there are, of twice the width. */
const SIZES = { hidden_size: HIDDEN, intermediate_size: 2 * WIDTH, moe_intermediate_size: 2 * WIDTH };
const CLAIM = { num_local_experts: 2 * EXPERTS, num_experts: 2 * EXPERTS, num_experts_per_tok: 2 };
const ONE_LAYER = { num_hidden_layers: 1, num_attention_heads: 4, ...SIZES, ...CLAIM };

/** Each expert a module of its own. */
function apart(path: string, up: readonly string[], down: string): Table {
  return range(EXPERTS).flatMap((expert) => [
    ...up.map((name) => tensor(`${path}.${expert}.${name}.weight`, [WIDTH, HIDDEN])),
    tensor(`${path}.${expert}.${down}.weight`, [HIDDEN, WIDTH]),
  ]);
}

describe("experts follow the tensors, however they are stored", () => {
  it.each<[title: string, config: object, experts: Table, provesWidth: boolean]>([
    ["Mixtral", { model_type: "mixtral" }, apart("model.layers.0.block_sparse_moe.experts", ["w1", "w3"], "w2"), true],
    [
      "Jamba",
      {
        model_type: "jamba",
        expert_layer_period: 1,
        expert_layer_offset: 0,
        attn_layer_period: 1,
        attn_layer_offset: 0,
      },
      apart("model.layers.0.feed_forward.experts", ["gate_proj", "up_proj"], "down_proj"),
      true,
    ],
    [
      "gpt-oss",
      { model_type: "gpt_oss" },
      [
        tensor("model.layers.0.mlp.experts.gate_up_proj", [EXPERTS, HIDDEN, 2 * WIDTH]),
        tensor("model.layers.0.mlp.experts.down_proj", [EXPERTS, WIDTH, HIDDEN]),
      ],
      false,
    ],
    [
      "Llama 4",
      { model_type: "llama4_text", interleave_moe_layer_step: 1 },
      [
        tensor("model.layers.0.feed_forward.experts.gate_up_proj", [EXPERTS, HIDDEN, 2 * WIDTH]),
        tensor("model.layers.0.feed_forward.experts.down_proj", [EXPERTS, WIDTH, HIDDEN]),
      ],
      true,
    ],
    [
      "Granite",
      { model_type: "granitemoe" },
      [
        tensor("model.layers.0.block_sparse_moe.input_linear.weight", [EXPERTS, 2 * WIDTH, HIDDEN]),
        tensor("model.layers.0.block_sparse_moe.output_linear.weight", [EXPERTS, HIDDEN, WIDTH]),
      ],
      true,
    ],
    [
      "Step 3.5",
      { model_type: "step3p5", moe_num_experts: 2 * EXPERTS, moe_top_k: 2, moe_layers_enum: "0" },
      [
        tensor("model.layers.0.moe.gate_proj.weight", [EXPERTS, WIDTH, HIDDEN]),
        tensor("model.layers.0.moe.up_proj.weight", [EXPERTS, WIDTH, HIDDEN]),
        tensor("model.layers.0.moe.down_proj.weight", [EXPERTS, HIDDEN, WIDTH]),
      ],
      true,
    ],
    [
      "DBRX, which has a row of each in one matrix",
      { model_type: "dbrx", d_model: HIDDEN, ffn_config: { moe_num_experts: 2 * EXPERTS, moe_top_k: 2 } },
      [
        tensor("model.layers.0.ffn.experts.mlp.w1", [EXPERTS * WIDTH, HIDDEN]),
        tensor("model.layers.0.ffn.experts.mlp.v1", [EXPERTS * WIDTH, HIDDEN]),
        tensor("model.layers.0.ffn.experts.mlp.w2", [EXPERTS * WIDTH, HIDDEN]),
        tensor("model.layers.0.ffn.router.layer.weight", [EXPERTS, HIDDEN]),
      ],
      false,
    ],
    [
      "Nemotron-H",
      { model_type: "nemotron_h", hybrid_override_pattern: "E", n_routed_experts: 2 * EXPERTS },
      apart("backbone.layers.0.mixer.experts", ["up_proj"], "down_proj"),
      true,
    ],
  ])("%s", (_title, config, experts, provesWidth) => {
    const { model, diagnostics } = buildSafetensors({ ...ONE_LAYER, ...config }, [EMBEDDING, ...experts]);
    const routed = experts.filter(({ name }) => !name.includes("router")).reduce((sum, t) => sum + t.elements, 0);
    expect(model.layers[0]?.feedForward).toMatchObject({
      experts: EXPERTS,
      expertsPerToken: 2,
      ...(provesWidth && { expertIntermediateSize: WIDTH }),
    });
    expect(diagnostics.filter(({ message }) => /16 experts of \d+.* by config.json, of 8 /.test(message))).toHaveLength(
      1,
    );
    expect(model.parameters.active).toBe(model.parameters.total - (routed * (EXPERTS - 2)) / EXPERTS);
  });

  it.each([
    ["Llama 4", "llama4_text", "feed_forward.shared_expert"],
    ["DeepSeek", "deepseek_v3", "mlp.shared_experts"],
    ["Step 3.5", "step3p5", "share_expert"],
    ["Hunyuan", "hunyuan_v1_moe", "mlp.shared_mlp"],
    ["MiniMax M3", "minimax_m3_vl_text", "block_sparse_moe.shared_experts"],
    ["Nemotron-H", "nemotron_h", "mixer.shared_experts"],
  ])("%s: one that every token visits is always active", (_title, model_type, path) => {
    const { model } = buildSafetensors(
      {
        ...ONE_LAYER,
        model_type,
        hybrid_override_pattern: "E",
        first_k_dense_replace: 0,
        interleave_moe_layer_step: 1,
      },
      [
        EMBEDDING,
        ...apart("model.layers.0.mlp.experts", ["gate_proj", "up_proj"], "down_proj"),
        tensor(`model.layers.0.${path}.down_proj.weight`, [HIDDEN, 48]),
      ],
    );
    expect(model.layers[0]?.feedForward).toMatchObject({ kind: "experts", sharedIntermediateSize: 48 });
    const routed = 3 * EXPERTS * WIDTH * HIDDEN;
    expect(model.parameters.active).toBe(model.parameters.total - (routed * (EXPERTS - 2)) / EXPERTS);
  });
});

describe("what the keys alone say of experts", () => {
  const keys = { num_hidden_layers: 2, hidden_size: HIDDEN, num_attention_heads: 4, intermediate_size: 64 };
  const experts = { kind: "experts", experts: 8, expertsPerToken: 2, expertIntermediateSize: 64 };

  it("of Llama 4: dense layers of another width, and one expert more than are counted", () => {
    const claim = { num_local_experts: 8, num_experts_per_tok: 2, interleave_moe_layer_step: 2 };
    const config = { ...keys, ...claim, model_type: "llama4_text", intermediate_size_mlp: 128 };
    const { model } = buildSafetensors(config);
    expect(model.layers.map(({ feedForward }) => feedForward)).toEqual([
      { kind: "dense", intermediateSize: 128 },
      { ...experts, sharedIntermediateSize: 64 },
    ]);
  });

  it("of Hunyuan: one expert more than are counted", () => {
    const config = { ...keys, num_experts: 8, moe_topk: [2, 2], model_type: "hunyuan_v1_moe" };
    const { model } = buildSafetensors(config);
    expect(model.layers[1]?.feedForward).toEqual({ ...experts, sharedIntermediateSize: 64 });
  });

  it("of Step 3.5: the width of what every token visits", () => {
    const claim = {
      moe_num_experts: 8,
      moe_top_k: 2,
      moe_intermediate_size: 64,
      share_expert_dim: 48,
      moe_layers_enum: "0,1",
    };
    const { model } = buildSafetensors({ ...keys, ...claim, model_type: "step3p5" });
    expect(model.layers[1]?.feedForward).toEqual({ ...experts, sharedIntermediateSize: 48 });
  });
});

describe("layers that predict further tokens, by GGUF keys", () => {
  it("are fewer than there are layers", () => {
    const { model, diagnostics } = buildGguf({ ...SMALL_KEYS, "llama.nextn_predict_layers": 7 });
    expect([model.layerCount, model.mtpLayerCount]).toEqual([2, 0]);
    expect(diagnostics.map(({ code, where }) => [code, where])).toEqual([["inconsistent-model", "GGUF keys"]]);
  });
});
