"""Small configurations of every model_type: the class's own structure with few layers and narrow widths."""

import encoder_decoders
from transformers import AutoConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES,
)

# Looked at as encoders: both ways, nothing kept between calls.
ENCODERS = frozenset(
    "albert bert big_bird camembert convbert data2vec-text deberta deberta-v2 distilbert electra ernie esm esmc eurobert "
    "flaubert fnet funnel gte ibert jina_embeddings_v3 layoutlm longformer luke megatron-bert mobilebert modernbert mpnet mra "
    "neomme nomic_bert nystromformer rembert roberta roberta-prelayernorm roc_bert roformer squeezebert tapas ultrabert vit "
    "xlm xlm-roberta xlm-roberta-xl xmod yoso".split()
)

# Set wherever the class (or its alias) has the field. Head size differs from hidden / heads on purpose.
SIZES = {
    "vocab_size": 96,
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 24,
    "intermediate_size": 80,
    "max_position_embeddings": 128,
    "sliding_window": 16,
    "attention_chunk_size": 16,
    # experts
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "moe_num_experts": 4,
    "num_experts_per_tok": 2,
    "num_experts_per_token": 2,
    "moe_topk": 2,
    "moe_intermediate_size": 40,
    "shared_expert_intermediate_size": 48,
    "moe_shared_expert_intermediate_size": 48,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    # latent attention
    "q_lora_rank": 32,
    "kv_lora_rank": 20,
    "qk_nope_head_dim": 16,
    "qk_rope_head_dim": 8,
    "v_head_dim": 12,
    "index_n_heads": 2,
    "index_head_dim": 16,
    "index_topk": 8,
    # recurrences
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 12,
    "linear_value_head_dim": 16,
    "mamba_n_heads": 4,
    "mamba_d_head": 32,
    "mamba_n_groups": 1,
    "mamba_d_state": 16,
    "mamba_num_heads": 4,
    "mamba_head_dim": 32,
    "ssm_state_size": 16,
    "state_size": 16,
    # embeddings per layer
    "vocab_size_per_layer_input": 96,
    "hidden_size_per_layer_input": 8,
}

TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "sep_token_id": 2, "cls_token_id": 1}

# Patterns longer than four layers, and fields of a family's own.
OVERRIDES = {
    "bamba": {"attn_layer_indices": [0, 2], "mamba_expand": 2},
    "bailing_hybrid": {"num_hidden_layers": 5, "layer_group_size": 2},
    "codegen": {"rotary_dim": 8},
    "cohere_compass_text": {
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention", "full_attention"],
        "rope_parameters": {
            name: {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2]}
            for name in ("sliding_attention", "full_attention")
        },
    },
    "gptj": {"rotary_dim": 8},
    "cpmant": {"dim_head": 24, "dim_ff": 80, "segment_types": 4, "prompt_types": 4, "prompt_length": 4},
    "ctrl": {"dff": 80},
    "dbrx": {"d_model": 64, "n_heads": 4, "attn_config": {"kv_n_heads": 2, "rope_theta": 10000.0, "clip_qkv": 8.0}, "ffn_config": {"ffn_hidden_size": 80, "moe_num_experts": 4, "moe_top_k": 2}},
    "deepseek_v2": {"num_experts_per_tok": 2, "topk_method": "greedy"},
    "dots3_note_text": {
        "sliding_window": 16, "shared_experts_intermediate_size": 48, "head_dim": 24, "v_head_dim": 12,
        "swa_num_attention_heads": 2, "swa_num_key_value_heads": 2, "swa_q_lora_rank": 32, "swa_kv_lora_rank": 28,
        "swa_head_dim": 36, "swa_qk_nope_head_dim": 24, "swa_v_head_dim": 20,
    },
    "deepseek_v4": {
        "num_hidden_layers": 5,
        "layer_types": ["sliding_attention", *["heavily_compressed_attention", "compressed_sparse_attention"] * 2],
        "compress_rates": {"compressed_sparse_attention": 4, "heavily_compressed_attention": 16},
        "num_key_value_heads": 1,
        "o_groups": 2,
        "o_lora_rank": 16,
        "partial_rotary_factor": 1 / 3,
    },
    "dots1": {"n_shared_experts": 1, "n_routed_experts": 4, "num_experts_per_tok": 2},
    "falcon_h1": {"mamba_d_ssm": 128, "mamba_n_heads": 4, "mamba_d_head": 32},
    "gemma3_text": {"num_hidden_layers": 7},
    "gemma3n_text": {"num_hidden_layers": 7, "num_kv_shared_layers": 2, "layer_types": ["sliding_attention", "full_attention", "sliding_attention", "sliding_attention", "full_attention", "sliding_attention", "full_attention"], "intermediate_size": [80] * 7, "activation_sparsity_pattern": [0.0] * 7, "laurel_rank": 8, "altup_num_inputs": 2},
    "gemma4_text": {"num_hidden_layers": 7, "global_head_dim": 32},
    "gemma4_unified_text": {"num_hidden_layers": 7, "global_head_dim": 32},
    "glm_moe_dsa": {"num_hidden_layers": 4},
    "gpt_neo": {"num_hidden_layers": 4, "num_layers": 4, "attention_types": [[["global", "local"], 2]], "window_size": 16},
    "granitemoehybrid": {"layer_types": ["attention", "mamba", "mamba", "attention"]},
    "helium": {"head_dim": 16},
    "hunyuan_v1_dense": {"head_dim": 24},
    "hunyuan_v1_moe": {"head_dim": 24, "moe_topk": 2},
    "inkling_text": {"num_hidden_layers": 7, "dense_intermediate_size": 96, "intermediate_size": 40, "dense_mlp_idx": 1, "swa_num_attention_heads": 6, "swa_num_key_value_heads": 3, "swa_head_dim": 16},
    "inkling2_text": {"num_hidden_layers": 7, "swa_num_attention_heads": 6, "swa_num_key_value_heads": 3, "swa_head_dim": 16},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 0, "mamba_dt_rank": 8},
    "kimi_linear": {"linear_head_dim": 16, "linear_num_heads": 4, "num_hidden_layers": 5, "num_experts": 4},
    "kolibri1": {"num_hidden_layers": 7},
    "lfm2": {"full_attn_idxs": [1, 3]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention", "conv", "full_attention"], "num_dense_layers": 1},
    "luke": {"entity_vocab_size": 24, "entity_emb_size": 16},
    "longcat_flash": {"num_layers": 2, "ffn_hidden_size": 80, "expert_ffn_hidden_size": 40, "head_dim": 8, "n_routed_experts": 4, "zero_expert_num": 2},
    "esm": {"vocab_size": 96, "mask_token_id": 3},
    "mllama": {
        "text_config": {**{name: SIZES[name] for name in "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads intermediate_size max_position_embeddings".split()}, **TOKENS, "cross_attention_layers": [1, 3]},
        "vision_config": {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_global_layers": 1, "attention_heads": 2, "image_size": 28, "intermediate_layers_indices": [0, 1], "vision_output_dim": 96},
        "image_token_index": 95,
    },
    "minimax": {"block_size": 16},
    "minimax_m3_vl_text": {
        "rotary_dim": 8,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 1 / 3},
        "dense_intermediate_size": 96,
        "shared_intermediate_size": 48,
        "sparse_attention_config": {"sparse_attention_freq": [0, 1, 0, 1], "sparse_block_size": 8, "sparse_topk_blocks": 2},
        "moe_layer_freq": [0, 1, 1, 1],
    },
    "mobilebert": {"embedding_size": 32, "hidden_size": 64, "intra_bottleneck_size": 32, "true_hidden_size": 32},
    "neomme": {"head_dim": 16},
    "mamba2": {"num_heads": 4, "head_dim": 32, "n_groups": 1},
    "ministral": {"head_dim": 24},
    "nemotron": {"head_dim": 16, "num_key_value_heads": 2},
    "nemotron_h": {"layers_block_type": ["linear_attention", "moe", "full_attention", "mlp"], "n_groups": 1, "moe_shared_expert_intermediate_size": 48},
    "qwen2_vl_text": {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}},
    "qwen2_5_vl_text": {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}},
    "glm4v_text": {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}},
    "glm4v_moe_text": {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}},
    "qwen3_5_text": {"num_hidden_layers": 5},
    "qwen3_5_moe_text": {"num_hidden_layers": 5},
    "qwen3_next": {"num_hidden_layers": 5},
    "qwen4_exp_text": {
        "num_hidden_layers": 5, "eos_token_id": 2, "hc_lowrank": 8, "ple_layer_ids": [1, 3], "ple_embed_dim": 48, "heads_per_ngram": 2,
        "ngram_vocab_size_base": 50, "make_ngram_vocab_size_divisible_by": 8, "split_ngram_parts": 2,
        "indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 24, "indexer_budget": 8, "indexer_compress_ratio": 4,
    },
    "recurrent_gemma": {"attention_window_size": 16, "lru_width": 64},
    "rwkv": {},
    "squeezebert": {"embedding_size": 64},
    "xlstm": {"num_heads": 4, "num_blocks": 4, "hidden_size": 128, "embedding_dim": 128},
    "xlnet": {"d_head": 16},
    "xmod": {"default_language": "en_XX"},
    "zamba": {"num_hidden_layers": 5, "attn_layer_period": 2, "attn_layer_offset": 0, "attention_head_dim": 32},
    "zaya": {"num_experts_per_tok": 1},
    "zamba2": {"num_hidden_layers": 4, "layers_block_type": ["mamba", "hybrid", "mamba", "hybrid"], "mamba_ngroups": 1, "n_mamba_heads": 4, "adapter_rank": 8, "hybrid_layer_ids": [1, 3]},
}


COMPOSITE = "a composite: its language model is asked under a model_type of its own"
ENCODER_DECODER = "an encoder and a decoder of any types"
NO_CACHE_OBJECT = "keeps hidden vectors of past tokens, not their keys and values"

# Not asked, and why.
LEFT_OUT = {
    **dict.fromkeys(
        "emu3 fuyu gemma3 gemma3n gemma4 gemma4_unified git got_ocr2 llama4 modernvbert moss_transcribe_diarize "
        "phi4_multimodal qwen3_5 qwen3_5_moe ultravbert dots3_note qwen4_exp moshi unlimited_ocr glm5_next".split(),
        COMPOSITE,
    ),
    **dict.fromkeys("encoder-decoder musicgen musicgen_melody speech-encoder-decoder".split(), ENCODER_DECODER),
    **dict.fromkeys(
        "audioflamingo3 fun_asr_nano glmasr granite_speech granite_speech_plus musicflamingo nemo_speechlm qwen2_audio "
        "qwen3_asr vibevoice vibevoice_asr voxtral voxtral_realtime".split(),
        COMPOSITE,
    ),
    "kyutai_speech_to_text": "caches of its codec beside those of its layers",
    "speecht5": "speech and text have encoders and decoders of their own",
    **dict.fromkeys("xlnet reformer".split(), NO_CACHE_OBJECT),
    "blt": "bytes and patches: several models in one",
    "perceiver": "no language model of its own",
    "gemma4_assistant": "drafts for another model",
    "gemma4_unified_assistant": "drafts for another model",
    "longcat_flash": "makes weights for experts that pass tokens on, and refuses checkpoints without them",
}

# Language models of composites, and encoders of images, which no mapping of the library lists.
TEXT_MODELS = "vit granite_docling_text molmo2_text muse_spark_text imagegpt qwen2_vl_text qwen2_5_vl_text qwen3_vl_text qwen3_vl_moe_text glm4v_text glm4v_moe_text mistral4".split()


def asked_types():
    """Every model_type that generates, translates, transcribes or fills in a mask, and the language models of composites."""
    listed = [
        *MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        *MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        *MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        *MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES,
        *TEXT_MODELS,
    ]
    return list(dict.fromkeys(listed))


def tiny_config(model_type):
    if model_type in encoder_decoders.ENCODER_DECODERS:
        return encoder_decoders.tiny_config(model_type)
    cls = CONFIG_MAPPING[model_type]
    fields = set(cls.default_config_fields()) | set(cls.attribute_map)
    chosen = {name: value for name, value in {**SIZES, **TOKENS}.items() if name in fields}
    if "kv_lora_rank" in fields and "num_key_value_heads" in fields:
        chosen["num_key_value_heads"] = chosen["num_attention_heads"]
    chosen |= OVERRIDES.get(model_type, {})
    return AutoConfig.for_model(model_type, **chosen)
