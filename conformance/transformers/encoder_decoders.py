"""Tiny encoder-decoders: their configurations, what their encoders read, and the two caches of their decoders."""

import itertools

import torch
from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoModelForSpeechSeq2Seq
from transformers.generation import GenerationMode
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

TEXT = (
    "bart bigbird_pegasus blenderbot blenderbot-small fsmt led longt5 m2m_100 marian mbart mt5 mvp nllb-moe pegasus "
    "pegasus_x plbart prophetnet seamless_m4t seamless_m4t_v2 switch_transformers t5 t5gemma t5gemma2 umt5"
).split()
SPEECH = "canary cohere_asr dia moonshine moonshine_streaming pop2piano speech_to_text whisper".split()
ENCODER_DECODERS = [*TEXT, *SPEECH]

# Set wherever the class has the field. Encoder and decoder differ in layers, heads and widths.
SIZES = {
    "vocab_size": 96,
    "src_vocab_size": 90,
    "tgt_vocab_size": 96,
    "d_model": 64,
    "hidden_size": 64,
    "d_kv": 24,
    "d_ff": 80,
    "num_heads": 4,
    "num_layers": 3,
    "num_decoder_layers": 4,
    "num_encoder_layers": 3,
    "num_encoder_attention_heads": 2,
    "num_decoder_attention_heads": 4,
    "encoder_layers": 3,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 72,
    "decoder_layers": 4,
    "decoder_attention_heads": 4,
    "decoder_ffn_dim": 80,
    "encoder_num_hidden_layers": 3,
    "encoder_num_attention_heads": 2,
    "encoder_num_key_value_heads": 2,
    "decoder_num_hidden_layers": 4,
    "decoder_num_attention_heads": 4,
    "decoder_num_key_value_heads": 2,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 80,
    "max_position_embeddings": 128,
    "max_encoder_position_embeddings": 128,
    "max_decoder_position_embeddings": 128,
    "max_source_positions": 128,
    "max_target_positions": 128,
    "attention_window": 16,
    "num_experts": 4,
    "encoder_sparse_step": 2,
    "decoder_sparse_step": 2,
    "num_sparse_encoder_layers": 1,
    "num_sparse_decoder_layers": 2,
    "num_mel_bins": 8,
    "input_feat_per_channel": 8,
    "conv_channels": 16,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
    "forced_eos_token_id": 2,
}

GEMMA = {
    "vocab_size": 96,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 24,
    "intermediate_size": 80,
    "sliding_window": 16,
    "max_position_embeddings": 128,
}
SIGLIP = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32}
CONFORMER = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 80, "num_mel_bins": 8, "subsampling_conv_channels": 8}
DECODER = {name: SIZES[name] for name in "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads intermediate_size max_position_embeddings".split()}

OVERRIDES = {
    "canary": {"encoder_config": {"model_type": "parakeet_encoder", **CONFORMER}, "decoder_config": {**DECODER, "head_dim": 24}},
    "cohere_asr": {"encoder_config": {"model_type": "parakeet_encoder", **CONFORMER}},
    "dia": {
        "encoder_config": {"vocab_size": 90, "hidden_size": 48, "intermediate_size": 72, "num_hidden_layers": 3, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 128},
        "decoder_config": {**DECODER, "head_dim": 24, "cross_num_attention_heads": 3, "cross_num_key_value_heads": 3, "cross_head_dim": 16, "cross_hidden_size": 48, "num_channels": 2},
        "delay_pattern": [0, 1],
    },
    "longt5": {"local_radius": 15},
    # Its encoder and its decoder write their heads into one configuration.
    "moonshine": {f"{side}_num_{heads}_heads": 4 for side in ("encoder", "decoder") for heads in ("attention", "key_value")},
    "moonshine_streaming": {"encoder_config": {"hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 4, "sliding_windows": [[16, 4]] * 3}, "head_dim": 16, "num_key_value_heads": 4},
    "pegasus_x": {"num_global_tokens": 4, "block_size": 8},
    "t5gemma": {"vocab_size": 96, "encoder": {**GEMMA, "num_hidden_layers": 3, "hidden_size": 48}, "decoder": {**GEMMA, "num_hidden_layers": 4}},
    "t5gemma2": {
        "vocab_size": 96,
        "eoi_token_index": 93,
        "image_token_index": 94,
        "encoder": {"text_config": {**GEMMA, "num_hidden_layers": 7}, "vision_config": SIGLIP, "mm_tokens_per_image": 4, "boi_token_index": 92, "eoi_token_index": 93, "image_token_index": 94},
        "decoder": {**GEMMA, "num_hidden_layers": 7},
    },
}

# Samples or frames of sound that make about a token.
SAMPLES = {"moonshine": 1600, "moonshine_streaming": 320}
FRAMES = {"speech_to_text": 4, "canary": 8, "cohere_asr": 8}
BATCHES = (1, 3)
# Tokens given to the encoder, then to the decoder.
LENGTHS = ((9, 5), (40, 33))
NEW_TOKENS = 2
STATIC_LENGTH = 64


def loader_of(model_type):
    return AutoModelForSeq2SeqLM if model_type in TEXT else AutoModelForSpeechSeq2Seq


def tiny_config(model_type):
    cls = CONFIG_MAPPING[model_type]
    fields = set(vars(cls())) - set(cls.attribute_map)
    chosen = {name: value for name, value in SIZES.items() if name in fields}
    return AutoConfig.for_model(model_type, **chosen | OVERRIDES.get(model_type, {}))


def encoder_inputs(model, batch, tokens):
    """Something for the encoder to read: tokens, spectra or samples. What it makes of them has a length of its own."""
    config = model.config
    model_type = config.model_type
    if model_type == "whisper":
        return {"input_features": torch.zeros(batch, config.num_mel_bins, 2 * config.max_source_positions, dtype=model.dtype)}
    if model_type == "pop2piano":
        return {"inputs_embeds": torch.zeros(batch, tokens, config.d_model, dtype=model.dtype)}
    if model_type in SAMPLES:
        return {"input_values": torch.zeros(batch, SAMPLES[model_type] * tokens, dtype=model.dtype)}
    if model_type in FRAMES:
        return {"input_features": torch.zeros(batch, FRAMES[model_type] * tokens, SIZES["num_mel_bins"], dtype=model.dtype)}
    return {"input_ids": torch.full((batch, tokens), 5)}


@torch.no_grad()
def run(model, implementation, batch, lengths):
    """The caches that `generate` would make, after the decoder has seen its tokens, and the length of the encoder's output."""
    encoder_tokens, decoder_tokens = lengths
    encoded = model.get_encoder()(**encoder_inputs(model, batch, encoder_tokens), return_dict=True)
    options = {"encoder_outputs": encoded}
    settings = model.generation_config
    settings.update(cache_implementation=implementation, num_beams=1, num_return_sequences=1)
    model._prepare_cache_for_generation(settings, options, GenerationMode.GREEDY_SEARCH, batch, STATIC_LENGTH)
    channels = (model.config.decoder_config.num_channels,) if model.config.model_type == "dia" else ()
    inputs = torch.full((batch, decoder_tokens, *channels), 5)
    for tokens in (inputs, *[inputs[:, :1]] * NEW_TOKENS):
        model(decoder_input_ids=tokens, use_cache=True, **options)
    return options["past_key_values"], encoded[0].shape[1]


def encoder_layers(model):
    """Blocks of the encoder: the longest list of modules just below it, or below its text model."""
    encoder = model.get_encoder()
    encoder = getattr(encoder, "text_model", encoder)
    return max(len(module) for module in encoder.children() if isinstance(module, torch.nn.ModuleList))


def caches(model, halved, cache_bytes, cache_shapes):
    """Bytes of both caches: kind, dtype, sequences, tokens of the decoder, bytes, tokens of the encoder's output."""
    rows = []
    for each in (model, halved):
        # Where the two differ, `generate` counts the layers of T5's and ProphetNet's encoder and fails.
        for ours, theirs in (("num_layers", "num_decoder_layers"), ("num_encoder_layers", "num_decoder_layers")):
            if hasattr(each.config, theirs) and ours not in each.config.attribute_map and hasattr(each.config, ours):
                setattr(each.config, ours, getattr(each.config, theirs))

    def ask(model, kind, dtype, batch, lengths):
        held, prompt = run(model, "static" if kind == "static" else None, batch, lengths)
        both = (held.self_attention_cache, held.cross_attention_cache)
        context = STATIC_LENGTH if kind == "static" else lengths[1] + NEW_TOKENS
        rows.append([kind, dtype, batch, context, sum(map(cache_bytes, both)), prompt])
        own, cross = map(cache_shapes, both)
        return [{**layer, **{f"cross_{name}": shape for name, shape in other.items()}} for layer, other in zip(own, cross)]

    for batch, lengths in itertools.product(BATCHES, LENGTHS):
        layers = ask(model, "dynamic", "float32", batch, lengths)
    answer = {"layers": len(layers), "encoderLayers": encoder_layers(model), "caches": rows, "layerCaches": layers}
    for refusal, *asked in (
        ("staticRefused", model, "static", "float32", 1, LENGTHS[0]),
        ("staticRefused", model, "static", "float32", 3, LENGTHS[1]),
        ("bfloat16Refused", halved, "dynamic", "bfloat16", 1, LENGTHS[1]),
    ):
        try:
            layers = ask(*asked)
        except Exception as problem:
            answer[refusal] = f"{type(problem).__name__}: {(str(problem).splitlines() or [''])[0][:160]}"
    return answer
