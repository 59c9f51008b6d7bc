import { describe, expect, it } from "vitest";
import type { Component } from "../../src/model/model.ts";
import { buildSafetensors, SMALL_CONFIG, tensor } from "./support.ts";

type Named = readonly [component: Component, name: string];

function components(names: readonly Named[]): Named[] {
  const { model } = buildSafetensors(
    undefined,
    names.map(([, name]) => tensor(name, [8, 8])),
  );
  return model.tensors.map(({ component, name }) => [component, name]);
}

describe("what a tensor is for, by the names published checkpoints have", () => {
  it.each<[family: string, names: readonly Named[]]>([
    [
      "dbrx, whose attention is inside a module named after its norms",
      [
        ["norm", "transformer.blocks.0.norm_attn_norm.norm_1.weight"],
        ["attention", "transformer.blocks.0.norm_attn_norm.attn.Wqkv.weight"],
        ["experts", "transformer.blocks.0.ffn.experts.mlp.w1"],
        ["feedForward", "transformer.blocks.0.ffn.router.layer.weight"],
      ],
    ],
    [
      "roberta-prelayernorm, which has it in the name of the model",
      [
        ["embedding", "roberta_prelayernorm.embeddings.word_embeddings.weight"],
        ["norm", "roberta_prelayernorm.embeddings.LayerNorm.weight"],
        ["attention", "roberta_prelayernorm.encoder.layer.0.attention.self.query.weight"],
        ["norm", "roberta_prelayernorm.encoder.layer.0.attention.LayerNorm.weight"],
        ["feedForward", "roberta_prelayernorm.encoder.layer.0.intermediate.dense.weight"],
      ],
    ],
    [
      "Step 3.5, with stacked experts and one that every token visits",
      [
        ["experts", "model.layers.4.moe.up_proj.weight"],
        ["feedForward", "model.layers.4.moe.gate.weight"],
        ["feedForward", "model.layers.4.share_expert.up_proj.weight"],
      ],
    ],
    [
      "JetMoe",
      [
        ["experts", "model.layers.0.mlp.input_linear.weight"],
        ["experts", "model.layers.0.self_attention.experts.input_linear.weight"],
        ["feedForward", "model.layers.0.mlp.router.layer.weight"],
      ],
    ],
    ["Arctic", [["feedForward", "model.layers.0.residual_mlp.w1.weight"]]],
    ["LongCat", [["feedForward", "model.layers.0.mlps.0.up_proj.weight"]]],
    ["CTRL", [["attention", "transformer.h.0.multi_head_attention.Wq.weight"]]],
    [
      "gpt-oss as first published",
      [
        ["experts", "block.0.mlp.mlp1_weight.blocks"],
        ["experts", "block.0.mlp.mlp1_bias"],
        ["feedForward", "block.0.mlp.gate.weight"],
        ["norm", "block.0.attn.norm.scale"],
        ["output", "unembedding.weight"],
      ],
    ],
    [
      "ERNIE 4.5, whose further token has more than its block",
      [
        ["attention", "model.layers.0.self_attn.k_proj.weight"],
        ["mtp", "model.mtp_block.0.self_attn.k_proj.weight"],
        ["mtp", "model.mtp_linear_proj.0.weight"],
        ["mtp", "model.mtp_emb_norm.0.weight"],
      ],
    ],
    [
      "Mllama",
      [
        ["attention", "language_model.model.layers.3.cross_attn.k_proj.weight"],
        ["attention", "language_model.model.layers.3.cross_attn_attn_gate"],
        ["feedForward", "language_model.model.layers.3.cross_attn_mlp_gate"],
        ["vision", "vision_model.gated_positional_embedding.embedding"],
      ],
    ],
  ])("%s", (_family, names) => {
    expect(components(names)).toEqual(names);
  });
});

describe("parts that see, and parts that hear, are none of the language model", () => {
  it.each<[family: string, names: readonly Named[]]>([
    [
      "Mistral's own names",
      [
        ["attention", "layers.0.attention.wk.weight"],
        ["vision", "vision_encoder.transformer.layers.0.attention.wk.weight"],
        ["vision", "vision_language_adapter.w_in.weight"],
        ["vision", "patch_merger.merging_layer.weight"],
        ["vision", "pre_mm_projector_norm.weight"],
      ],
    ],
    [
      "Idefics 2",
      [
        ["attention", "model.text_model.layers.0.self_attn.k_proj.weight"],
        ["vision", "model.connector.modality_projection.gate_proj.weight"],
        ["vision", "model.connector.perceiver_resampler.latents"],
        ["vision", "model.connector.perceiver_resampler.layers.0.self_attn.k_proj.weight"],
      ],
    ],
    [
      "BLIP-2",
      [
        ["attention", "language_model.model.decoder.layers.0.self_attn.k_proj.weight"],
        ["vision", "qformer.encoder.layer.0.attention.attention.query.weight"],
        ["vision", "query_tokens"],
        ["vision", "language_projection.weight"],
      ],
    ],
    [
      "MiniCPM-V and -o",
      [
        ["attention", "llm.model.layers.0.self_attn.k_proj.weight"],
        ["vision", "vpm.encoder.layers.0.self_attn.k_proj.weight"],
        ["vision", "vpm.embeddings.patch_embedding.weight"],
        ["vision", "resampler.attn.in_proj_weight"],
        ["other", "apm.layers.0.self_attn.k_proj.weight"],
        ["other", "tts.model.layers.0.self_attn.k_proj.weight"],
      ],
    ],
    [
      "Phi-4 multimodal",
      [
        ["attention", "model.layers.0.self_attn.qkv_proj.base_layer.weight"],
        ["vision", "model.embed_tokens_extend.image_embed.img_processor.encoder.layers.0.self_attn.k_proj.weight"],
        ["vision", "model.embed_tokens_extend.image_embed.glb_GN"],
        ["other", "model.embed_tokens_extend.audio_embed.encoder.encoders.0.self_attn.linear_k.weight"],
      ],
    ],
    [
      "Molmo",
      [
        ["attention", "model.transformer.blocks.0.att_proj.weight"],
        ["output", "model.transformer.ff_out.weight"],
        ["vision", "model.vision_backbone.image_vit.transformer.resblocks.0.attention.wk.weight"],
        ["vision", "model.vision_backbone.image_projector.w1.weight"],
      ],
    ],
    [
      "DeepSeek-OCR 2, which reads images with a second language model",
      [
        ["attention", "model.layers.0.self_attn.k_proj.weight"],
        ["vision", "model.qwen2_model.model.model.layers.0.self_attn.k_proj.weight"],
        ["vision", "model.qwen2_model.query_768.weight"],
        ["vision", "model.sam_model.blocks.0.attn.qkv.weight"],
      ],
    ],
    [
      "Ovis",
      [
        ["attention", "llm.model.layers.0.self_attn.k_proj.weight"],
        ["vision", "visual_tokenizer.backbone.preprocessor.patchifier.weight"],
        ["vision", "visual_tokenizer.head.0.weight"],
        ["vision", "vte.weight"],
      ],
    ],
    [
      "CogVLM, with matrices for images in the blocks",
      [
        ["attention", "model.layers.0.self_attn.language_expert_query_key_value.weight"],
        ["vision", "model.layers.0.self_attn.vision_expert_query_key_value.weight"],
      ],
    ],
    [
      "Voxtral's own names",
      [
        ["attention", "layers.0.attention.wk.weight"],
        ["embedding", "mm_whisper_embeddings.tok_embeddings.weight"],
        ["other", "mm_whisper_embeddings.whisper_encoder.transformer.layers.0.attention.wk.weight"],
      ],
    ],
    [
      "a projector of what is heard alone",
      [
        ["attention", "language_model.model.layers.0.self_attn.k_proj.weight"],
        ["other", "audio_tower.layers.0.self_attn.k_proj.weight"],
        ["other", "multi_modal_projector.linear.weight"],
      ],
    ],
    [
      "a projector of what is seen, beside something heard",
      [
        ["vision", "vision_tower.layers.0.self_attn.k_proj.weight"],
        ["other", "audio_tower.layers.0.self_attn.k_proj.weight"],
        ["vision", "multi_modal_projector.linear.weight"],
      ],
    ],
  ])("%s", (_family, names) => {
    expect(components(names)).toEqual(names);
  });
});

describe("the layers are those of the language model", () => {
  const language = [
    tensor("language_model.model.embed_tokens.weight", [512, 256]),
    tensor("language_model.model.layers.0.self_attn.k_proj.weight", [128, 256]),
    tensor("language_model.model.layers.1.self_attn.k_proj.weight", [128, 256]),
  ];

  it.each([
    ["Granite Speech: an encoder on a shorter path", "encoder.layers.9.attn.to_q.weight"],
    ["Janus: a decoder of images", "model.vqmodel.decoder.mid.block.7.conv1.weight"],
    ["BLIP-2: a query transformer", "qformer.encoder.layer.9.attention.attention.key.weight"],
    ["Kyutai: a codec", "codec_model.decoder.layers.9.conv.weight"],
  ])("%s", (_title, longer) => {
    const { model, diagnostics } = buildSafetensors(SMALL_CONFIG, [tensor(longer, [8, 8]), ...language]);
    expect(model.layerCount).toBe(2);
    expect(model.encoder).toBeUndefined();
    expect(diagnostics).toEqual([]);
    expect(model.weights.byComponent.attention).toBe(2 * 2 * 128 * 256);
  });

  it.each([
    ["ERNIE 4.5", "model.mtp_block.0.self_attn.k_proj.weight", "model.mtp_emb_norm.0.weight"],
    ["DeepSeek-V4's own names", "mtp.0.attn.wkv.weight", "mtp.0.enorm.weight"],
    ["Qwen 3.5", "mtp.layers.0.self_attn.k_proj.weight", "mtp.fc.weight"],
    ["MiMo", "model.mtp_layers.0.self_attn.k_proj.weight", "model.mtp_layers.0.input_proj.weight"],
  ])("and those that predict further tokens follow them: %s", (_title, block, beside) => {
    const tensors = [...language, tensor(block, [128, 256]), tensor(beside, [8])];
    const { model, diagnostics } = buildSafetensors(SMALL_CONFIG, tensors);
    expect([model.layerCount, model.mtpLayerCount]).toEqual([2, 1]);
    expect(model.weights.byComponent.mtp).toBe(2 * 128 * 256 + 2 * 8);
    expect(model.layers[2]?.weightBytes).toBeGreaterThanOrEqual(2 * 128 * 256);
    expect(diagnostics).toEqual([]);
  });

  it("and so is the vocabulary", () => {
    const beside = [
      tensor("qformer.embeddings.word_embeddings.weight", [64, 8]),
      tensor("talker.model.embed_tokens.weight", [32, 8]),
    ];
    const { model, diagnostics } = buildSafetensors(SMALL_CONFIG, [...beside, ...language]);
    expect(model.vocabularySize).toBe(512);
    expect(model.hiddenSize).toBe(256);
    expect(diagnostics).toEqual([]);
  });
});
