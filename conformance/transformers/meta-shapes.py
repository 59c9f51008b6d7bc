"""Builds published configurations on the meta device, and prints what the library makes of each as JSON lines.

    python conformance/transformers/meta-shapes.py WORK CONFIG.json...

For every configuration: a directory under WORK with the config.json and a model.safetensors that has the header of a
saved checkpoint and no data, and one line with parameters, layers, heads and windows. What the library cannot build is one
line with the reason.
"""

import json
import logging
import shutil
import struct
import sys
import warnings
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, DynamicCache
from transformers.core_model_loading import revert_weight_conversion

DTYPE_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
# Configurations the library loads as another type, their own code being no part of it.
SAME_AS = {"kimi_k2": "deepseek_v3"}
QUANTIZATION = ("quantization_config", "compression_config", "quantization")


def load_config(path):
    """The configuration by the library's own classes, of the weights as they were before any quantization."""
    values = {key: value for key, value in json.loads(path.read_text()).items() if key not in QUANTIZATION}
    model_type = values.pop("model_type")
    values.pop("auto_map", None)
    return AutoConfig.for_model(SAME_AS.get(model_type, model_type), **values), values


def build(config, values):
    architecture = (values.get("architectures") or [None])[0]
    known = getattr(transformers, architecture, None) if architecture else None
    dtype = config.dtype or config.get_text_config().dtype or torch.float32
    with torch.device("meta"):
        if known is not None and isinstance(config, known.config_class):
            return known._from_config(config, dtype=dtype)
        causal = type(config) in AutoModelForCausalLM._model_mapping
        return (AutoModelForCausalLM if causal else AutoModel).from_config(config, dtype=dtype)


def saved_tensors(model):
    """Names, types and shapes that save_pretrained writes: tied matrices once, experts as they are published."""
    tied = set(model.all_tied_weights_keys)
    state = {name: tensor for name, tensor in model.state_dict().items() if name not in tied}
    return revert_weight_conversion(model, state)


def write_header(path, tensors):
    offset = 0
    header = {}
    for name, tensor in tensors.items():
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": DTYPE_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + offset)


def windows(text):
    """Window of each layer of a fresh cache; null where it holds everything, false where it holds no keys."""
    layers = DynamicCache(config=text).layers
    return [getattr(layer, "sliding_window", None) if hasattr(layer, "keys") else False for layer in layers]


def head_dim(text):
    """Width of the keys of one head; null where no layer attends."""
    if getattr(text, "qk_nope_head_dim", None):
        return text.qk_nope_head_dim + text.qk_rope_head_dim
    return getattr(text, "head_dim", None) if hasattr(text, "num_attention_heads") else None


def parameter_counts(model):
    """What a checkpoint holds, and how much of that one token visits."""
    used = getattr(model.config.get_text_config(), "num_experts_per_tok", None)
    total = active = 0
    # Saved buffers (routing biases) are part of a checkpoint; tied matrices are the same object twice.
    for name, tensor in {id(tensor): (name, tensor) for name, tensor in saved(model)}.values():
        total += tensor.numel()
        routed = ".experts." in name and "norm" not in name
        active += tensor.numel() * used // tensor.shape[0] if routed else tensor.numel()
    return {"parameters": total, "active": active}


def saved(model):
    return model.state_dict(keep_vars=True).items()


def describe(work, path, config, values):
    text = config.get_text_config(decoder=True)  # before the model is made, which may say it is a decoder alone
    model = build(config, values)
    directory = work / path.stem
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, directory / "config.json")
    write_header(directory / "model.safetensors", saved_tensors(model))
    return {
        "directory": str(directory),
        **parameter_counts(model),
        "layers": text.num_hidden_layers,
        "hiddenSize": text.hidden_size,
        "vocabularySize": text.vocab_size,
        "heads": getattr(text, "num_attention_heads", None),
        "kvHeads": getattr(text, "num_key_value_heads", None),
        "headDim": head_dim(text),
        "trainedContext": getattr(text, "max_position_embeddings", None),
        "tied": "lm_head.weight" in set(model.all_tied_weights_keys),
        "windows": windows(text),
    }


def main():
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    logging.disable(logging.WARNING)
    work = Path(sys.argv[1])
    for path in map(Path, sys.argv[2:]):
        answer = {"config": path.stem}
        try:
            config, values = load_config(path)
            answer |= describe(work, path, config, values)
        except Exception as problem:  # whatever the library raises for a configuration it cannot build
            answer["refused"] = f"{type(problem).__name__}: {str(problem).splitlines()[0]}"
        print(json.dumps(answer), flush=True)


main()
