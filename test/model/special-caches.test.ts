import { describe, expect, it } from "vitest";
import type { Mixer } from "../../src/model/mixer.ts";
import { buildSafetensors } from "./support.ts";

const SIZES = { num_hidden_layers: 4, hidden_size: 1024, num_attention_heads: 8, num_key_value_heads: 2 };

const FULL = { kind: "attention", heads: 8, kvHeads: 2, keyDim: 128, valueDim: 128, window: { kind: "none" } };

function mixersOf(config: object): readonly Mixer[] {
  const { model, diagnostics } = buildSafetensors(config);
  expect(diagnostics).toEqual([]);
  return model.layers.map(({ mixer }) => mixer);
}

describe("layers whose caches are of their own kind, from config.json", () => {
  it.each(["deepseek_v4", "deepseek_ref"])(
    "%s: a window, and rows beyond it by the ratio of the layer",
    (modelType) => {
      const mixers = mixersOf({
        model_type: modelType,
        ...SIZES,
        head_dim: 64,
        sliding_window: 32,
        index_n_heads: 2,
        index_head_dim: 16,
        compress_ratios: [0, 4, 128, 4, 0],
        moe_intermediate_size: 512,
      });
      const shared = { kvHeads: 1, keyDim: 64, window: { kind: "sliding", tokens: 32 }, sharedKeyValue: true };
      const state = [
        [8, 128],
        [8, 32],
      ];
      const overlapping = { ...shared, compression: { ratio: 4, state }, indexer: { heads: 2, keyDim: 16 } };
      const separate = { ...shared, compression: { ratio: 128, state: [[128, 64]] } };
      expect(mixers).toMatchObject([shared, overlapping, separate, overlapping]);
      expect(mixers[0]).not.toHaveProperty("compression");
      expect(mixers[2]).not.toHaveProperty("indexer");
    },
  );

  it("deepseek_v4: a ratio that the class does not know is unknown", () => {
    const { model, diagnostics } = buildSafetensors({
      model_type: "deepseek_v4",
      ...SIZES,
      compress_ratios: [0, 16, 4, 4],
    });
    expect(model.layers[1]?.mixer.kind).toBe("unknown");
    expect(diagnostics).toMatchObject([{ code: "unknown-cache", where: "layer 1" }]);
  });

  it.each(["minimax_m1", "minimax_text_01"])("%s: attention where the list has 1", (modelType) => {
    const state = [{ name: "linear", shape: [8, 128, 128] }];
    const lightning = { kind: "recurrent", family: "lightning-attention", state };
    const config = { model_type: modelType, ...SIZES, attn_type_list: [0, 0, 0, 1] };
    expect(mixersOf(config)).toMatchObject([lightning, lightning, lightning, FULL]);
  });

  it("minimax_m3: an index key per token in the layers it lists", () => {
    const mixers = mixersOf({
      model_type: "minimax_m3",
      ...SIZES,
      moe_layer_freq: [0, 1, 1, 1],
      sparse_attention_config: { sparse_attention_freq: [0, 1, 1, 1], sparse_num_index_heads: 4, sparse_index_dim: 96 },
    });
    const chosen = { ...FULL, indexer: { heads: 4, keyDim: 96 } };
    expect(mixers).toMatchObject([FULL, chosen, chosen, chosen]);
    expect(mixers[0]).not.toHaveProperty("indexer");
  });

  it("deepseek_vl_v2: latents, unless it says that it has none", () => {
    const latents = { kv_lora_rank: 64, qk_nope_head_dim: 32, qk_rope_head_dim: 16, v_head_dim: 32 };
    const plain = { model_type: "deepseek_vl_v2", language_config: { ...SIZES, use_mla: false, kv_lora_rank: null } };
    expect(mixersOf(plain)).toMatchObject([FULL, FULL, FULL, FULL]);
    const latent = { kind: "latent", kvLoraRank: 64, ropeDim: 16 };
    const config = { model_type: "deepseek_vl_v2", language_config: { ...SIZES, ...latents } };
    expect(mixersOf(config)).toMatchObject([latent, latent, latent, latent]);
  });

  it("longcat_flash: two attentions in each layer", () => {
    const { num_hidden_layers: num_layers, ...sizes } = SIZES;
    const mixers = mixersOf({ model_type: "longcat_flash", ...sizes, num_layers, kv_lora_rank: 64 });
    expect(mixers).toHaveLength(4);
    expect(mixers[3]).toMatchObject({ kind: "latent", kvLoraRank: 64, ropeDim: 64, attentions: 2 });
  });

  it("hrm_text: a low stack in every low cycle, a high one in every high cycle", () => {
    const config = { model_type: "hrm_text", ...SIZES, num_hidden_layers: 2, H_cycles: 2, L_cycles: 3 };
    expect(mixersOf(config)).toMatchObject([{ passes: 6 }, { passes: 6 }, { passes: 2 }, { passes: 2 }]);
    const counted = { ...config, num_hidden_layers: 16, num_layers_per_stack: 2 };
    expect(mixersOf(counted)).toEqual(mixersOf(config));
  });

  it("minicpm3: values as wide as hidden / heads", () => {
    const [first] = mixersOf({ model_type: "minicpm3", ...SIZES, kv_lora_rank: 64, qk_rope_head_dim: 16 });
    expect(first).toMatchObject({ kind: "latent", kvLoraRank: 64, ropeDim: 16, valueDim: 128 });
  });

  it("jetmoe: the heads of all experts that a token uses", () => {
    const [first] = mixersOf({ model_type: "jetmoe", num_hidden_layers: 4, num_key_value_heads: 2, kv_channels: 96 });
    expect(first).toMatchObject({ kind: "attention", heads: 4, kvHeads: 2, keyDim: 96 });
  });
});
