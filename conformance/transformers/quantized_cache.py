"""Asks transformers what its quantized cache holds for a small Llama, with the backend quanto, and prints the answer as JSON.

    python conformance/transformers/quantized_cache.py

A row is dtype, bits, sequences, prompt tokens, tokens after it, and bytes: packed values, scales and shifts, and the last
tokens as they are.
"""

import importlib.metadata
import itertools
import json
import logging
import warnings

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, QuantizedCache

CONFIG = {
    "model_type": "llama", "vocab_size": 96, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
    "head_dim": 32, "intermediate_size": 80, "max_position_embeddings": 1024,
}


def held(tensor):
    """Of a packed tensor its inner ones."""
    if isinstance(tensor, torch.Tensor) and hasattr(tensor, "_scale"):
        packed = tensor._data
        return sum(each.nbytes for each in (getattr(packed, "_data", packed), tensor._scale, tensor._shift))
    return tensor.nbytes


def bytes_of(cache):
    names = ("_quantized_keys", "_quantized_values", "keys", "values")
    return sum(held(getattr(layer, name)) for layer in cache.layers for name in names)


@torch.no_grad()
def row(model, dtype, bits, sequences, prompt, new_tokens):
    cache = QuantizedCache("quanto", model.config, nbits=bits)
    for tokens in (prompt, *[1] * new_tokens):
        model(input_ids=torch.ones((sequences, tokens), dtype=torch.long), past_key_values=cache, use_cache=True)
    return [dtype, bits, sequences, prompt, new_tokens, bytes_of(cache)]


def main():
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    config = AutoConfig.for_model(**CONFIG)
    rows = []
    for dtype in ("bfloat16", "float32"):
        model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype)).eval()
        rows += [row(model, dtype, *asked) for asked in itertools.product((2, 4), (1, 3), (5, 200), (0, 3, 130))]
    packages = {name: importlib.metadata.version(name) for name in ("torch", "transformers", "optimum-quanto")}
    print(json.dumps({"versions": packages, "config": CONFIG, "rows": rows}))


main()
