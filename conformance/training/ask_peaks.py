"""Runs training steps of small models on the CPU, and prints the most bytes of tensors alive during one as JSON, one row a line, the versions first.

    python conformance/training/ask_peaks.py [model_type ...]

A step is what `Trainer` does: the loss of labels, its gradients, AdamW, gradients dropped. The second step is measured, when the
optimizer has its states. A row holds config.json, the tensors, and the peaks: method, precision, attention, checkpointing,
sequences, tokens, bytes. Widths are such that activations matter beside weights. Weights are random: only sizes are looked at.
"""

import contextlib
import gc
import json
import logging
import sys
import warnings

import bitsandbytes
import peft
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

import live_bytes

SIZES = {
    "vocab_size": 512, "hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 352, "max_position_embeddings": 512, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}
HEADS = {"head_dim": 48}
EXPERTS = {"num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 176}
WIDE = {"vocab_size": 6000}
# Named as the configuration has it: attention without dropout, which on a CPU takes another kernel than on a GPU.
MODELS = {
    "llama": {}, "mistral": HEADS, "qwen2": {**WIDE, "tie_word_embeddings": True}, "qwen3": HEADS, "gemma": HEADS,
    "phi3": {}, "olmo2": {}, "granite": {}, "smollm3": {}, "stablelm": {}, "starcoder2": {"attention_dropout": 0.0},
    "gpt2": {"attn_pdrop": 0.0}, "gpt_neox": {}, "opt": {"ffn_dim": 352, "word_embed_proj_dim": 128},
    "mixtral": EXPERTS, "qwen3_moe": {**HEADS, **EXPERTS},
    # Families that were not read: their ranges are to hold.
    "cohere": {}, "exaone4": HEADS, "glm4": HEADS, "falcon": {},
}
RUNS = [
    *[("full", precision, "sdpa", checkpointing) for precision in ("float32", "bfloat16", "bf16-mixed") for checkpointing in (False, True)],
    *[("lora", precision, "sdpa", checkpointing) for precision in ("float32", "bfloat16") for checkpointing in (False, True)],
    ("full", "bfloat16", "eager", False),
]
LENGTHS = ((2, 128), (1, 320))


def model_of(config, method, precision, attention, checkpointing):
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    model = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation=attention).train()
    if method == "lora":
        model = peft.get_peft_model(model, peft.LoraConfig(r=8, target_modules="all-linear"))
    if checkpointing:
        # As `Trainer` does, with peft's inputs made to take gradients.
        model.gradient_checkpointing_enable()
        if method == "lora":
            model.enable_input_require_grads()
    return model


def peak(config, method, precision, attention, checkpointing, sequences, tokens):
    torch.manual_seed(0)
    model = model_of(config, method, precision, attention, checkpointing)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5, fused=True)
    ids = torch.randint(3, 500, (sequences, tokens))
    gc.collect()
    with live_bytes.LiveBytes(*model.parameters()) as live:
        for _ in range(2):
            live.peak = 0
            mixed = torch.autocast("cpu", dtype=torch.bfloat16) if precision == "bf16-mixed" else contextlib.nullcontext()
            with mixed:
                loss = model(input_ids=ids, labels=ids, use_cache=False).loss
            loss.backward()
            del loss
            optimizer.step()
            optimizer.zero_grad()
    return live.peak


def tensors(config):
    model = AutoModelForCausalLM.from_config(config)
    tied = set(model.all_tied_weights_keys)
    return {name: " ".join(["F32", *map(str, tensor.shape)]) for name, tensor in model.state_dict().items() if name not in tied}


def row(model_type):
    fields = set(AutoConfig.for_model(model_type).to_dict()) | set(AutoConfig.for_model(model_type).attribute_map)
    config = AutoConfig.for_model(model_type, **{name: value for name, value in {**SIZES, **MODELS[model_type]}.items() if name in fields or name in MODELS[model_type]})
    experts = "experts" in " ".join(tensors(config))
    runs = [run for run in RUNS if not (experts and run[2] == "eager")]
    peaks = [[*run, *length, peak(config, *run, *length)] for run in runs for length in LENGTHS]
    return {"modelType": model_type, "config": config.to_diff_dict() | {"model_type": model_type}, "tensors": tensors(config), "peaks": peaks}


def main():
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    live_bytes.check()
    print(json.dumps({"python": sys.version.split()[0], **{m.__name__: m.__version__ for m in (torch, transformers, peft, bitsandbytes)}}))
    for model_type in sys.argv[1:] or MODELS:
        print(json.dumps(row(model_type)), flush=True)


if __name__ == "__main__":
    main()
