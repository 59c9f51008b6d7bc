"""Asks transformers what it keeps for each safetensors fixture, and prints the answer as JSON.

    python conformance/transformers/ask.py fixtures/files/safetensors

For every directory with a config.json: the keys that did not fit, the parameters in memory, and the bytes of the cache
after a prompt and after some decoding steps, for prompts around the sliding window, one and three sequences, and both
kinds of cache; then once more in other dtypes. Weights are zeros: only sizes are looked at.
"""

import inspect
import json
import logging
import sys
import warnings
from pathlib import Path

import torch
import transformers
from transformers import AutoModel, AutoModelForCausalLM, DynamicCache, StaticCache

# Tensors of a cache layer that grow with tokens or sequences; the rest are counters of a few bytes.
STATE_ATTRIBUTES = ("keys", "values", "indexer_keys", "conv_states", "recurrent_states")
PROMPTS = (1, 7, 150, 300)
BATCHES = (1, 3)
NEW_TOKENS = 3
STATIC_LENGTHS = (64, 300)
DTYPES = ("auto", "float32", "bfloat16")


def state_tensors(cache):
    for layer in cache.layers:
        for name in STATE_ATTRIBUTES:
            held = getattr(layer, name, None)
            candidates = held.values() if isinstance(held, dict) else [held]
            yield from (tensor for tensor in candidates if isinstance(tensor, torch.Tensor))


def cache_bytes(cache):
    """What the tensors hold, and what the storages behind them hold: a slice keeps its whole storage alive."""
    tensors = list(state_tensors(cache))
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return {
        "cacheBytes": sum(tensor.numel() * tensor.element_size() for tensor in tensors),
        "storageBytes": sum(storages.values()),
    }


def prompt_lengths(config):
    window = getattr(config, "sliding_window", None)
    around = (window - 1, window, window + 1, 2 * window + 5) if window and window > 1 else ()
    return sorted({*PROMPTS, *around})


@torch.no_grad()
def run(model, cache, batch, tokens):
    """Fills `cache` with a prompt, then decodes; yields the bytes after each."""
    inputs = torch.zeros((batch, tokens), dtype=torch.long)
    parameters = inspect.signature(model.forward).parameters
    cache_name = "cache_params" if "cache_params" in parameters else "past_key_values"
    options = {cache_name: cache, "use_cache": True, "logits_to_keep": 1}
    model(input_ids=inputs, **options)
    yield 0, cache_bytes(cache)
    for _ in range(NEW_TOKENS):
        model(input_ids=inputs[:, :1], **options)
    yield NEW_TOKENS, cache_bytes(cache)


def dynamic_rows(model, batch, prompts):
    for tokens in prompts:
        for new_tokens, measured in run(model, DynamicCache(config=model.config), batch, tokens):
            yield {"cache": "dynamic", "sequences": batch, "promptTokens": tokens, "newTokens": new_tokens, **measured}


def static_rows(model, batch):
    for length in STATIC_LENGTHS:
        cache = StaticCache(config=model.config, max_cache_len=length)
        *_, (_, measured) = run(model, cache, batch, 5)
        yield {"cache": "static", "sequences": batch, "contextTokens": length, **measured}


def cache_rows(model, dtype):
    if getattr(model, "lm_head", None) is None:
        return []  # an encoder keeps nothing
    if dtype != "auto":
        return list(dynamic_rows(model, 1, PROMPTS[-1:]))
    return [
        row
        for batch in BATCHES
        for row in (*dynamic_rows(model, batch, prompt_lengths(model.config)), *static_rows(model, batch))
    ]


def weight_bytes(model):
    """Bytes by dtype of what a checkpoint holds: parameters once, and the buffers that are saved with them."""
    tensors = {id(tensor): tensor for tensor in model.state_dict(keep_vars=True).values()}
    by_dtype = {}
    for tensor in tensors.values():
        name = str(tensor.dtype).removeprefix("torch.")
        by_dtype[name] = by_dtype.get(name, 0) + tensor.numel() * tensor.element_size()
    return by_dtype


def load(directory, dtype):
    architecture = json.loads((directory / "config.json").read_text())["architectures"][0]
    loader = AutoModelForCausalLM if architecture.endswith("ForCausalLM") else AutoModel
    return loader.from_pretrained(directory, dtype=dtype, output_loading_info=True, local_files_only=True)


def ask(directory, dtype):
    asked = {"model": directory.name, "dtype": dtype}
    try:
        return {**asked, **measure(directory, dtype)}
    except Exception as problem:  # whatever the library raises for a model it cannot load or run in this dtype
        return {**asked, "refused": f"{type(problem).__name__}: {str(problem).splitlines()[0]}"}


def measure(directory, dtype):
    model, info = load(directory, dtype)
    model.eval()
    return {
        "class": type(model).__name__,
        "missingKeys": sorted(info["missing_keys"]),
        "unexpectedKeys": sorted(info["unexpected_keys"]),
        "mismatchedKeys": sorted(str(key) for key in info["mismatched_keys"]),
        "parameters": model.num_parameters(),
        "weightBytes": weight_bytes(model),
        "caches": cache_rows(model, dtype),
    }


def main():
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    directories = sorted(path.parent for path in Path(sys.argv[1]).glob("*/config.json"))
    versions = {"python": sys.version.split()[0], "torch": torch.__version__, "transformers": transformers.__version__}
    answers = [ask(directory, dtype) for directory in directories for dtype in DTYPES]
    print(json.dumps({"versions": versions, "models": answers}))


main()
