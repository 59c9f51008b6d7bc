"""Small configurations for mlx-lm: those of the transformers golden numbers, widened so that caches can be quantised."""

import copy
import json
import pathlib

GOLDEN = pathlib.Path(__file__).parent.parent / "transformers" / "golden" / "model-types.json"

# Rows that are quantised are a multiple of the group: 64. Head size differs from hidden size / heads on purpose.
SIZES = {
    "hidden_size": 256,
    "n_embd": 256,
    "d_model": 256,
    "head_dim": 128,
    "global_head_dim": 256,
    "intermediate_size": 320,
    "n_inner": 320,
    "d_ff": 320,
    "sliding_window": 96,
    "sliding_window_size": 96,
    "attention_window_size": 96,
    "attention_chunk_size": 96,
    "max_position_embeddings": 4096,
    "moe_intermediate_size": 192,
    "shared_expert_intermediate_size": 128,
    "moe_shared_expert_intermediate_size": 128,
    "moe_latent_size": 128,
    "q_lora_rank": 64,
    "kv_lora_rank": 128,
    "qk_nope_head_dim": 64,
    "qk_rope_head_dim": 64,
    "qk_head_dim": 128,
    "v_head_dim": 192,
    "index_head_dim": 128,
    "linear_key_head_dim": 64,
    "linear_value_head_dim": 128,
    "mamba_d_head": 128,
    "mamba_head_dim": 128,
    "mamba_d_ssm": 512,
    "hidden_size_per_layer_input": 64,
    "lru_width": 256,
}

YARN = {
    "type": "yarn",
    "factor": 4,
    "original_max_position_embeddings": 1024,
    "beta_fast": 32,
    "beta_slow": 1,
    "mscale": 0.707,
    "mscale_all_dim": 0.707,
}
LONG_ROPE = {
    "type": "longrope",
    "short_factor": [1.0] * 32,
    "long_factor": [1.0] * 32,
    "original_max_position_embeddings": 4096,
}

# Fields that a class of mlx-lm wants or that only fit the narrow widths, by model_type.
OVERRIDES = {
    "apertus": {"mlp_bias": False, "post_norm": False, "qk_norm": True},
    "cohere2": {"head_dim": 64},
    "deepseek_v2": {"rope_scaling": YARN},
    "falcon_mamba": {"intermediate_size": 512},
    "mamba": {"intermediate_size": 512},
    "exaone4": {"head_dim": 128, "rope_scaling": None, "sliding_window_pattern": "LLLG"},
    "exaone_moe": {"head_dim": 128, "is_moe_layer": [False, True, True, True]},
    "gemma3n_text": {"rope_local_base_freq": 10000.0, "rope_theta": 1000000.0},
    "gemma4": {"vocab_size": 96},
    "gemma4_text": {
        "global_head_dim": 256,
        "num_kv_shared_layers": 2,
        "layer_types": ["sliding_attention", "sliding_attention", "full_attention"] * 2 + ["full_attention"],
    },
    "llama4_text": {"rope_scaling": None, "num_experts_per_tok": 1},
    "olmo3": {"rope_theta": 500000.0},
    "qwen3_moe": {"num_experts": 4, "head_dim": 128},
    "recurrent_gemma": {"head_dim": 64, "num_key_value_heads": 1},
    "solar_open": {"intermediate_size": 320, "first_k_dense_replace": 1, "partial_rotary_factor": 1.0},
    "qwen3_vl_text": {"tie_word_embeddings": False},
    "qwen3_vl_moe_text": {"tie_word_embeddings": False, "num_experts": 4, "norm_topk_prob": True},
    "glm4_moe": {"head_dim": 128, "rope_scaling": None},
    "glm_moe_dsa": {"topk_method": "noaux_tc", "scoring_func": "sigmoid", "moe_layer_freq": 1},
    "gpt2": {"n_ctx": 4096},
    "gpt_bigcode": {"n_inner": 320},
    "gpt_neox": {"rotary_emb_base": 10000, "rotary_pct": 0.25},
    "granitemoehybrid": {"layer_types": ["attention", "mamba", "mamba", "attention"], "shared_intermediate_size": 128},
    "kimi_linear": {
        "first_k_dense_replace": 1,
        "rope_theta": 10000.0,
        "linear_attn_config": {
            "full_attn_layers": [5],
            "kda_layers": [1, 2, 3, 4],
            "head_dim": 128,
            "num_heads": 4,
            "short_conv_kernel_size": 4,
        },
    },
    "lfm2": {"block_dim": 256, "block_ff_dim": 320, "block_auto_adjust_ff_dim": False},
    "mamba2": {"intermediate_size": 512},
    "mellum": {"num_experts": 4, "layer_types": ["full_attention", "sliding_attention"] * 2},
    "mimo_v2_flash": {
        "hybrid_layer_pattern": [0, 1, 1, 1],
        "moe_layer_freq": [0, 1, 1, 1],
        "add_swa_attention_sink_bias": True,
        "add_full_attention_sink_bias": False,
        "sliding_window_size": 96,
        "n_shared_experts": None,
        "topk_method": "noaux_tc",
        "scoring_func": "sigmoid",
        "layernorm_epsilon": 1e-5,
        "rope_theta": 5000000,
        "swa_rope_theta": 10000,
        "swa_num_attention_heads": 4,
        "swa_num_key_value_heads": 2,
        "swa_head_dim": 128,
        "swa_v_head_dim": 192,
        "partial_rotary_factor": 0.5,
    },
    "minicpm3": {"rope_scaling": LONG_ROPE, "v_head_dim": 64},
    "minimax_m2": {"shared_intermediate_size": 0, "rotary_dim": 64, "head_dim": 128},
}


# What only newer configurations than the published ones have, and mlx-lm does not read.
NOT_PUBLISHED = {"per_layer_config"}

# A composite of mlx-lm and the language model inside it; its configuration has that one's as `text_config`.
COMPOSITES = {
    "gemma3": "gemma3_text",
    "gemma3n": "gemma3n_text",
    "gemma4": "gemma4_text",
    "llama4": "llama4_text",
    "minimax_m3_vl": "minimax_m3_vl_text",
    "qwen2_vl": "qwen2_vl_text",
    "qwen2_5_vl": "qwen2_5_vl_text",
    "qwen3_vl": "qwen3_vl_text",
    "qwen3_vl_moe": "qwen3_vl_moe_text",
    "qwen3_5": "qwen3_5_text",
    "qwen3_5_moe": "qwen3_5_moe_text",
}

# Every model_type that mlx-lm, transformers and the rules of weighin have in common.
SHARED = """
afmoe apertus bailing_hybrid bitnet cohere cohere2 dbrx deepseek_v2 deepseek_v3 deepseek_v32 dots1 ernie4_5
ernie4_5_moe exaone4 exaone_moe falcon_h1 falcon_mamba gemma gemma2 gemma3_text gemma4_text glm glm4 glm4_moe
glm4_moe_lite glm_moe_dsa gpt2 gpt_bigcode gpt_neox gpt_oss gptj granite granitemoe granitemoehybrid helium
hunyuan_v1_dense internlm3 iquestcoder jamba kimi_linear laguna lfm2 lfm2_moe llama llama4_text mamba mamba2
mellum mimo_v2_flash minicpm3 minimax minimax_m2 ministral3 mistral mistral4 mixtral nanochat nemotron
nemotron_h olmo olmo2 olmo3 olmo_hybrid olmoe phi phi3 phimoe qwen2 qwen2_moe qwen3 qwen3_moe qwen3_next
recurrent_gemma seed_oss smollm3 solar_open stablelm starcoder2
""".split()

DENSE = {
    "hidden_size": 256,
    "num_hidden_layers": 4,
    "intermediate_size": 320,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-6,
    "vocab_size": 96,
    "max_position_embeddings": 4096,
}

# What transformers has no class for, or saves no tiny model of, by the published configurations.
ALONE = {
    "internlm2": {**DENSE, "bias": False},
    "longcat_flash": {
        "attention_method": "MLA",
        "zero_expert_type": "identity",
        "hidden_size": 256,
        "ffn_hidden_size": 320,
        "moe_topk": 2,
        "expert_ffn_hidden_size": 192,
        "n_routed_experts": 4,
        "zero_expert_num": 2,
        "num_layers": 2,
        "vocab_size": 96,
        "max_position_embeddings": 4096,
        "num_attention_heads": 4,
        "kv_lora_rank": 128,
        "q_lora_rank": 64,
        "qk_rope_head_dim": 64,
        "qk_nope_head_dim": 64,
        "v_head_dim": 64,
        "routed_scaling_factor": 6.0,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "mla_scale_q_lora": True,
        "mla_scale_kv_lora": True,
        "attention_bias": False,
    },
    "mimo": {**DENSE, "num_nextn_predict_layers": 0},
    "minicpm": {**DENSE, "dim_model_base": 64, "scale_depth": 1.4, "scale_emb": 12},
}

# Not asked, and why.
LEFT_OUT = {
    "bailing_hybrid": "its configurations in transformers are those of bailing_moe_v3, which mlx-lm tells by the architecture",
    "bitnet": "runs on Metal only",
    "olmo": "needs a package of its own, ai2-olmo",
    "minimax": "mlx-lm has MiniMax-M2 under this name, transformers MiniMax-01",
}

MODEL_TYPES = [name for name in [*SHARED, *COMPOSITES, *ALONE] if name not in LEFT_OUT]


def rows():
    return {row["modelType"]: row for row in json.loads(GOLDEN.read_text())["rows"] if "refused" not in row}


def widened(config):
    wide = {}
    for key, value in config.items():
        if key in NOT_PUBLISHED:
            continue
        if isinstance(value, dict):
            wide[key] = widened(value)
        elif key in SIZES and isinstance(value, (int, float)) and not isinstance(value, bool):
            wide[key] = SIZES[key]
        else:
            wide[key] = copy.deepcopy(value)
    return wide


def with_flat_rope(config):
    """Published configurations have these at the root; transformers saves them under `rope_parameters`."""
    rope = config.get("rope_parameters") or {}
    flat = {key: rope[key] for key in ("rope_theta", "partial_rotary_factor") if key in rope}
    return {**flat, **config}


def tiny_config(model_type, source):
    if model_type in ALONE:
        return {"model_type": model_type, **ALONE[model_type]}
    text = COMPOSITES.get(model_type)
    if text is None:
        return with_flat_rope(widened(source[model_type]["config"])) | OVERRIDES.get(model_type, {})
    inner = with_flat_rope(widened(source[text]["config"])) | OVERRIDES.get(text, {})
    return {"model_type": model_type, "text_config": inner} | OVERRIDES.get(model_type, {})


# The same for the narrow configurations of the transformers golden numbers, where it is a size.
NARROW = {
    **dict.fromkeys(["exaone4", "exaone_moe", "glm4_moe", "qwen3_moe"], {"head_dim": 16}),
    "gpt_bigcode": {"n_inner": 256},
    "granitemoehybrid": {"shared_intermediate_size": 1024},
    "lfm2": {"block_dim": 64, "block_ff_dim": 256},
    "mamba2": {"intermediate_size": 128},
    "mimo_v2_flash": {
        "sliding_window_size": 16,
        "swa_num_key_value_heads": 4,
        "swa_head_dim": 24,
        "swa_v_head_dim": 12,
    },
    "minicpm3": {"rope_scaling": {**LONG_ROPE, "short_factor": [1.0] * 4, "long_factor": [1.0] * 4}},
    "solar_open": {"intermediate_size": 80},
}


def published_config(row):
    """The configuration of a row as it is, with what the class of mlx-lm wants beside its sizes."""
    wanted = OVERRIDES.get(row["modelType"], {}).items()
    return with_flat_rope(row["config"]) | {
        **{key: value for key, value in wanted if key not in SIZES},
        **NARROW.get(row["modelType"], {}),
    }
