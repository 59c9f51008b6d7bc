"""Measures what `generate` has alive besides weights and cache, on small models, and prints one JSON row a line, the versions first.

    python conformance/transformers/activations.py [model_type ...]

Each model runs a prompt and two tokens more, in bfloat16 and float32, with the attention it would choose and with eager
attention. A run is dtype, attention, sequences, prompt tokens, then bytes: the peak of live tensors until the first token
and until the third, and of the cache what its tensors and their storages hold after each; of some, beams and the length of a static cache besides. Weights are not counted;
what an operator takes and frees inside itself is not seen. Weights are random: only sizes are looked at.
"""

import inspect
import json
import logging
import sys
import warnings

import torch
import transformers
from transformers import (
    AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoModelForSpeechSeq2Seq, DynamicCache, EncoderDecoderCache, StaticCache,
    StoppingCriteria, StoppingCriteriaList,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from live_tensors import LiveTensors

SIZES = {
    "vocab_size": 512, "hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 16,
    "intermediate_size": 352, "max_position_embeddings": 1024, "sliding_window": 64, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    "num_experts": 8, "num_local_experts": 8, "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 176,
    "shared_expert_intermediate_size": 96, "n_group": 1, "topk_group": 1, "kv_lora_rank": 32, "q_lora_rank": 48, "qk_nope_head_dim": 16,
    "qk_rope_head_dim": 8, "v_head_dim": 16,
}
# Narrow feed-forward parts, so that the peak is in the attention or its norms.
NARROW = {"intermediate_size": 48, "n_inner": 48, "ffn_dim": 48, "ffn_hidden_size": 48, "moe_intermediate_size": 24}
MANY_WORDS = {"vocab_size": 20000, "intermediate_size": 160}

DENSE = (
    "llama qwen2 qwen3 mistral gemma gemma2 gemma3_text phi phi3 gpt2 gpt_neox olmo olmo2 granite smollm3 starcoder2 cohere cohere2 falcon "
    "glm4 opt bloom stablelm exaone4 nemotron seed_oss"
).split()
MIXTURES = "mixtral qwen3_moe olmoe glm4_moe gpt_oss deepseek_v3".split()
RECURRENT = "mamba mamba2 falcon_h1 qwen3_next lfm2".split()
ENCODER_DECODERS = "t5 bart whisper".split()
# Fields with names of a family's own.
OVERRIDES = {
    "gpt2": {"n_inner": 352},
    "opt": {"ffn_dim": 352, "word_embed_proj_dim": 128},
    "falcon": {"ffn_hidden_size": 352, "new_decoder_architecture": False, "multi_query": True, "alibi": False},
    "gemma3_text": {"num_hidden_layers": 7},
    "cohere2": {"num_hidden_layers": 5},
    "exaone4": {"num_hidden_layers": 5, "sliding_window_pattern": 4},
    "nemotron": {"head_dim": 16},
    "deepseek_v3": {"num_key_value_heads": 8, "head_dim": 8, "first_k_dense_replace": 1},
    "glm4_moe": {"first_k_dense_replace": 1},
    "mamba2": {"num_heads": 8, "head_dim": 32, "n_groups": 1, "state_size": 16},
    "mamba": {"state_size": 16},
    "falcon_h1": {"mamba_d_ssm": 128, "mamba_n_heads": 4, "mamba_d_head": 32, "mamba_n_groups": 1, "mamba_d_state": 16},
    "qwen3_next": {"num_hidden_layers": 4, "linear_num_key_heads": 4, "linear_num_value_heads": 8, "linear_key_head_dim": 16, "linear_value_head_dim": 16},
    "t5": {"d_model": 128, "d_kv": 16, "d_ff": 352, "num_layers": 3, "num_decoder_layers": 3, "num_heads": 8, "decoder_start_token_id": 0},
    "bart": {"d_model": 128, "encoder_layers": 3, "decoder_layers": 3, "encoder_attention_heads": 8, "decoder_attention_heads": 8, "encoder_ffn_dim": 352, "decoder_ffn_dim": 352},
    "whisper": {
        "d_model": 128, "encoder_layers": 3, "decoder_layers": 3, "encoder_attention_heads": 8, "decoder_attention_heads": 8, "encoder_ffn_dim": 352,
        "decoder_ffn_dim": 352, "num_mel_bins": 16, "max_source_positions": 150, "max_target_positions": 256, "decoder_start_token_id": 1,
    },
}
VARIANTS = {"wide": {}, "narrow": NARROW, "many words": MANY_WORDS}
PROMPTS = (33, 96, 256)
BATCH = 2
NEW_TOKENS = 3
# Also run with three beams, and with a static cache.
MORE = ("llama", "gemma3_text")
STATIC_LENGTH = 300


def config_of(model_type, variant):
    cls = CONFIG_MAPPING[model_type]
    fields = set(cls.default_config_fields()) | set(cls.attribute_map)
    # Without a default where it follows from the heads.
    fields |= {"num_key_value_heads"} if hasattr(cls(), "num_key_value_heads") else set()
    chosen = {**SIZES, **OVERRIDES.get(model_type, {}), **VARIANTS[variant]}
    return AutoConfig.for_model(model_type, **{name: value for name, value in chosen.items() if name in fields})


def loader_of(model_type):
    if model_type not in ENCODER_DECODERS:
        return AutoModelForCausalLM
    return AutoModelForSpeechSeq2Seq if model_type == "whisper" else AutoModelForSeq2SeqLM


def held(cache):
    """The cache's own tensors, by storage."""
    halves = [cache.self_attention_cache, cache.cross_attention_cache] if isinstance(cache, EncoderDecoderCache) else [cache]
    for half in halves:
        for layer in half.layers:
            for name in ("keys", "values", "conv_states", "recurrent_states"):
                value = getattr(layer, name, None)
                for tensor in value.values() if isinstance(value, dict) else [value]:
                    if isinstance(tensor, torch.Tensor):
                        yield tensor


def bytes_of(cache):
    tensors = list(held(cache))
    storages = {tensor.untyped_storage()._cdata: tensor.untyped_storage().nbytes() for tensor in tensors}
    return [sum(tensor.nbytes for tensor in {id(tensor): tensor for tensor in tensors}.values()), sum(storages.values())]


class AfterEachToken(StoppingCriteria):
    def __init__(self, live, cache):
        self.live, self.cache, self.steps = live, cache, []

    def __call__(self, input_ids, scores, **rest):
        self.steps.append([self.live.peak, *bytes_of(self.cache)])
        self.live.peak = 0
        return torch.zeros(input_ids.shape[0], dtype=torch.bool)


def inputs_of(model, tokens):
    if model.config.model_type == "whisper":
        return {"input_features": torch.zeros(BATCH, 16, 2 * model.config.max_source_positions, dtype=model.dtype)}
    ids = torch.ones((BATCH, tokens), dtype=torch.long)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


@torch.no_grad()
def run(model, tokens, beams=1, static=0):
    config = model.config
    cache = StaticCache(config=config, max_cache_len=static) if static else DynamicCache(config=config)
    if config.is_encoder_decoder:
        cache = EncoderDecoderCache(DynamicCache(config=config), DynamicCache(config=config))
    inputs = inputs_of(model, tokens)
    cache_name = "cache_params" if "cache_params" in inspect.signature(model.forward).parameters else "past_key_values"
    model.generation_config.update(eos_token_id=None, forced_eos_token_id=None, decoder_start_token_id=0)
    with LiveTensors() as live:
        after = AfterEachToken(live, cache)
        # Not the model's own: that of Whisper cuts its input in pieces.
        transformers.GenerationMixin.generate(
            model, **inputs, **{cache_name: cache}, max_new_tokens=NEW_TOKENS, do_sample=False, num_beams=beams,
            stopping_criteria=StoppingCriteriaList([after]),
        )
    first, *_, last = after.steps
    return [*first, *last]


def measure(model_type, variant):
    config = config_of(model_type, variant)
    runs = []
    for dtype in ("bfloat16", "float32"):
        for attention in ("sdpa", "eager"):
            torch.manual_seed(0)
            try:
                model = loader_of(model_type).from_config(config, attn_implementation=attention, dtype=getattr(torch, dtype)).eval()
            except ValueError:  # no such attention
                continue
            prompts = PROMPTS if variant != "many words" else PROMPTS[:1]
            if model_type in MORE and variant == "wide" and dtype == "bfloat16":
                more = [(tokens, *options) for tokens in PROMPTS for options in ((3, 0), (1, STATIC_LENGTH))]
                runs += [[dtype, attention, BATCH, asked[0], *run(model, *asked), *asked[1:]] for asked in more]
            runs += [[dtype, attention, BATCH, tokens, *run(model, tokens)] for tokens in prompts]
    text = config.to_diff_dict()
    text.pop("transformers_version", None)
    text.pop("dtype", None)
    text = json.loads(json.dumps(text), parse_constant=lambda infinite: None)
    return {"modelType": model_type, "variant": variant, "config": text, "runs": runs}


def main():
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    versions = {"python": sys.version.split()[0], "torch": torch.__version__, "transformers": transformers.__version__}
    print(json.dumps({"versions": versions}), flush=True)
    for model_type in sys.argv[1:] or [*DENSE, *MIXTURES, *RECURRENT, *ENCODER_DECODERS]:
        variants = VARIANTS if model_type in DENSE else ("wide", "narrow") if model_type in MIXTURES else ("wide",)
        for variant in variants:
            print(json.dumps(measure(model_type, variant)), flush=True)


if __name__ == "__main__":
    main()
