"""Asks transformers what it stores and keeps for a tiny model of each model_type, and prints one JSON row a line, the versions first.

    python conformance/transformers/model_types.py [model_type ...]

Every model is made from the library's own configuration class with small widths, saved by `save_pretrained`, and run
around its windows with one and three sequences. A row holds the config.json and the tensor list as saved, and the
parameters, layers, key-value heads and cache bytes as found in memory. Weights are random: only sizes are looked at.
"""

import inspect
import itertools
import json
import logging
import re
import struct
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForImageTextToText, AutoModelForMaskedLM, DynamicCache, StaticCache
from transformers.cache_utils import get_layer_types_and_kwargs
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.minimax.modeling_minimax import MiniMaxCache

import encoder_decoders
from tiny_configs import ENCODERS, LEFT_OUT, asked_types, tiny_config

STATE_ATTRIBUTES = ("keys", "values", "indexer_keys", "idx_keys", "conv_states", "recurrent_states")
# Of DeepSeek-V4: rows that stand for several tokens, and what their compressors hold.
COMPRESSOR_ATTRIBUTES = ("compressed_kv", "buffer_kv", "buffer_gate", "overlap_kv", "overlap_gate")
BATCHES = (1, 3)
# Around the windows of 16 that `tiny_configs.py` sets: short of it, filled by the prompt or by what follows, and far beyond.
PROMPTS = {1: (5, 13, 15, 16, 40), 3: (5, 14, 17, 40)}
NEW_TOKENS = 2
STATIC_LENGTH = 64
# Take the whole sequence at each step and look past what they have (`modeling_cpmant.py`, CpmAntModel.forward).
WHOLE_AT_EACH_STEP = ("cpmant",)
# Encoders of images have no tokens to fill in.
IMAGE_ENCODERS = ("vit",)
LARGEST_MODEL = 20_000_000


def layer_tensors(layer):
    for name in (*STATE_ATTRIBUTES, *COMPRESSOR_ATTRIBUTES):
        held = getattr(layer, name, None)
        for tensor in held.values() if isinstance(held, dict) else [held]:
            if isinstance(tensor, torch.Tensor) and tensor.numel() > 0:
                yield name, tensor


def cached_layers(cache):
    """Per layer, the tensors by name. MiniMax has a list of states beside the layers (`MiniMaxCache`)."""
    states = getattr(cache, "linear_cache", [])
    layers = itertools.zip_longest(map(layer_tensors, cache.layers), states, fillvalue=())
    return [[*tensors, *([("recurrent_states", state)] if isinstance(state, torch.Tensor) else [])] for tensors, state in layers]


def cache_bytes(cache):
    """A tensor that is both keys and values counts once."""
    held = {id(tensor): tensor for tensors in cached_layers(cache) for _, tensor in tensors}
    return sum(tensor.numel() * tensor.element_size() for tensor in held.values())


def storage_bytes(cache):
    """What is kept alive: a slice keeps the whole tensor it was taken from."""
    storages = [tensor.untyped_storage() for tensors in cached_layers(cache) for _, tensor in tensors]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def cache_shapes(cache):
    """Per layer, what each tensor is, without the sequences: key and value heads and head sizes, or states."""
    return [
        {name: [*map(int, tensor.shape[1:]), str(tensor.dtype).removeprefix("torch.")] for name, tensor in tensors}
        for tensors in cached_layers(cache)
    ]


def image_inputs(model, batch, tokens):
    """An image for those whose layers attend to one."""
    if model.config.model_type != "mllama":
        return {}
    vision = model.config.vision_config
    tiles = vision.max_num_tiles
    return {
        "pixel_values": torch.zeros(batch, 1, tiles, vision.num_channels, vision.image_size, vision.image_size, dtype=model.dtype),
        "aspect_ratio_ids": torch.ones(batch, 1, dtype=torch.long),
        "aspect_ratio_mask": torch.ones(batch, 1, tiles, dtype=torch.long),
        "cross_attention_mask": torch.ones(batch, tokens, 1, tiles, dtype=torch.long),
    }


@torch.no_grad()
def run(model, cache, batch, tokens, new_tokens):
    parameters = inspect.signature(model.forward).parameters
    cache_name = "cache_params" if "cache_params" in parameters else "past_key_values"
    options = {cache_name: cache, "use_cache": True}
    inputs = torch.ones((batch, tokens), dtype=torch.long)
    model(input_ids=inputs, **options, **image_inputs(model, batch, tokens))
    for step in range(1, new_tokens + 1):
        model(input_ids=torch.ones((batch, tokens + step if model.config.model_type in WHOLE_AT_EACH_STEP else 1), dtype=torch.long), **options)
    return cache


def dynamic_cache(model):
    """The cache `generate` would make (`_prepare_cache_for_generation`), or the model itself where it takes no other."""
    if model.config.model_type == "minimax":
        return MiniMaxCache()
    return DynamicCache(config=model.config)


def storages(model):
    """Of caches whose tensors are slices: what is kept alive right after a prompt, and after tokens that follow it."""
    rows = []
    for tokens, new_tokens in itertools.product((15, 16, 40), (0, 1, NEW_TOKENS)):
        held = run(model, dynamic_cache(model), 1, tokens, new_tokens)
        rows.append([tokens, new_tokens, cache_bytes(held), storage_bytes(held)])
    return {"storages": rows} if any(ours != alive for *_, ours, alive in rows) else {}


def caches(model, halved):
    """Cache bytes, and what each layer holds: in bfloat16, where it runs, so that states kept in float32 show."""
    rows = []
    for batch, tokens in ((batch, tokens) for batch in BATCHES for tokens in PROMPTS[batch]):
        held = run(model, dynamic_cache(model), batch, tokens, NEW_TOKENS)
        rows.append(["dynamic", "float32", batch, tokens + NEW_TOKENS, cache_bytes(held)])
    answer = {"caches": rows, "layerCaches": cache_shapes(held), **storages(model)}
    try:
        statics = []
        for batch in BATCHES:
            static = run(model, StaticCache(config=model.config, max_cache_len=STATIC_LENGTH), batch, 5, 1)
            statics.append(["static", "float32", batch, STATIC_LENGTH, cache_bytes(static)])
        rows += statics
    except Exception as problem:
        answer["staticRefused"] = first_line(problem)
    try:
        held = run(halved, dynamic_cache(halved), 1, PROMPTS[1][-1], NEW_TOKENS)
        rows.append(["dynamic", "bfloat16", 1, PROMPTS[1][-1] + NEW_TOKENS, cache_bytes(held)])
        answer["layerCaches"] = cache_shapes(held)
    except Exception as problem:
        answer["bfloat16Refused"] = first_line(problem)
    return answer


# Hold what generation keeps in their outputs or in their modules, or keep nothing (`modeling_openai.py`).
OUTSIDE_CACHES = ("openai-gpt", "recurrent_gemma", "rwkv", "xlstm")


def tensors_in(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from tensors_in(each)


@torch.no_grad()
def run_outside(model, batch, tokens):
    """As `generate` does: what a step returns goes into the next. The cache, where there is one, and the tensors beside it."""
    parameters = inspect.signature(model.forward).parameters
    cache = dynamic_cache(model) if "past_key_values" in parameters else None
    options = {"use_cache": True} if "use_cache" in parameters else {}
    held = {} if cache is None else {"past_key_values": cache}
    for step in range(NEW_TOKENS + 1):
        output = model(input_ids=torch.ones((batch, 1 if step and options else tokens), dtype=torch.long), **options, **held)
        held |= {name: output[name] for name in ("state", "cache_params") if output.get(name) is not None}
    beside = [held.get("state"), getattr(held.get("cache_params"), "rnn_state", None)]
    for module in model.modules():
        beside += [getattr(module, name, None) for name in ("conv1d_state", "recurrent_states")]
    return cache, list(tensors_in(beside))


def outside_caches(model, halved):
    rows = []
    for dtype, runner in (("float32", model), ("bfloat16", halved)):
        for batch, tokens in ((batch, tokens) for batch in BATCHES for tokens in PROMPTS[batch]):
            cache, beside = run_outside(runner, batch, tokens)
            held = sum(t.numel() * t.element_size() for t in beside) + (cache_bytes(cache) if cache else 0)
            rows.append(["dynamic", dtype, batch, tokens + NEW_TOKENS, held])
    return {"caches": rows, **({"layerCaches": cache_shapes(cache)} if cache else {})}


def first_line(problem):
    return f"{type(problem).__name__}: {(str(problem).splitlines() or [''])[0][:160]}"


def header(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        entries = json.loads(file.read(length))
    entries.pop("__metadata__", None)
    return {name: (entry["dtype"], entry["shape"]) for name, entry in entries.items()}


def compact(tensors):
    """`layers.{0-3}.x` for tensors alike but in their numbers, where these are a whole product of ranges."""
    groups = {}
    for name, (dtype, shape) in tensors.items():
        numbers = tuple(int(n) for n in re.findall(r"(?<=\.)\d+(?=\.|$)", name))
        template = re.sub(r"(?<=\.)\d+(?=\.|$)", "#", name)
        groups.setdefault((template, dtype, *shape), []).append(numbers)
    rows = {}
    for (template, dtype, *shape), found in groups.items():
        shape_text = " ".join([dtype, *map(str, shape)])
        pending = {}
        if len(found[0]) == 0:
            rows[template] = shape_text
            continue
        # Group by every number but the first, then by the set of first numbers.
        by_first = {}
        for first, *rest in found:
            by_first.setdefault(first, []).append(tuple(rest))
        by_rest = {}
        for first, rests in by_first.items():
            by_rest.setdefault(tuple(sorted(rests)), []).append(first)
        for rests, firsts in by_rest.items():
            width = len(rests[0])
            columns = [sorted({rest[i] for rest in rests}) for i in range(width)]
            if set(itertools.product(*columns)) == set(rests):
                rows[fill(template, [sorted(firsts), *columns])] = shape_text
            else:
                for rest in rests:
                    rows[fill(template, [sorted(firsts), *[[n] for n in rest]])] = shape_text
    return rows


def fill(template, columns):
    texts = iter("{" + ranges(column) + "}" if len(column) > 1 else str(column[0]) for column in columns)
    return re.sub("#", lambda _: next(texts), template)


def ranges(numbers):
    runs = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{a}-{b}" if b > a else f"{a}" for a, b in runs)


def loader_of(config):
    """Encoders as such; everything else that generates, as it does."""
    if config.model_type in encoder_decoders.ENCODER_DECODERS:
        return encoder_decoders.loader_of(config.model_type)
    if config.model_type in IMAGE_ENCODERS:
        return AutoModel
    if config.model_type in ENCODERS:
        return AutoModelForMaskedLM
    if config.model_type == "mllama":
        return AutoModelForImageTextToText
    return AutoModelForCausalLM if type(config) in AutoModelForCausalLM._model_mapping else AutoModel


def model_of(config):
    """Refuses what the tiny configuration left large, before its memory is taken."""
    loader = loader_of(config)
    with torch.device("meta"):
        parameters = loader.from_config(config).num_parameters()
    if parameters > LARGEST_MODEL:
        raise ValueError(f"{parameters} parameters are no tiny model")
    return loader.from_config(config)


def measure(model_type):
    torch.manual_seed(0)
    config = tiny_config(model_type)
    model = model_of(config).eval()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        text = json.loads((Path(folder) / "config.json").read_text())
        tensors = header(Path(folder) / "model.safetensors")
        halved = type(model).from_pretrained(folder, dtype=torch.bfloat16).eval()
        runs = runs_of(model, halved)
    text.pop("transformers_version", None)
    row = {
        "modelType": model_type,
        "class": type(model).__name__,
        "parameters": model.num_parameters(),
        "buffers": saved_buffers(model),
        **unsaved_parameters(model),
        **({"eagerOnly": True} if model.config.get_text_config(decoder=True)._attn_implementation == "eager" else {}),
        "weightBytes": [weight_bytes(model), weight_bytes(halved)],
        "footprint": [model.get_memory_footprint(), halved.get_memory_footprint()],
        "layers": config.get_text_config(decoder=True).num_hidden_layers,
        "config": text,
        "tensors": compact(tensors),
        **runs,
    }
    try:
        row["defaults"] = class_defaults(model_type)
    except Exception:  # a class whose defaults are no model
        pass
    implied = implied_layer_types(model_type, text)
    if implied is not None:
        row["layerTypesImplied"] = implied
    return row


def runs_of(model, halved):
    if model.config.is_encoder_decoder:
        return encoder_decoders.caches(model, halved, cache_bytes, cache_shapes)
    if model.config.model_type in OUTSIDE_CACHES:
        return outside_caches(model, halved)
    return {} if model.config.model_type in ENCODERS else caches(model, halved)


def implied_layer_types(model_type, text):
    """Whether the class fills `layer_types` in again when a config.json leaves it out; None when it has none."""
    if "layer_types" not in text:
        return None
    try:
        other = AutoConfig.for_model(**{**{k: v for k, v in text.items() if k != "layer_types"}, "model_type": model_type})
        return list(other.layer_types or []) == list(text["layer_types"])
    except Exception:
        return False


def saved_buffers(model):
    """Elements of the state that is saved but is no parameter, such as the bias of a router."""
    parameters = dict(model.named_parameters(remove_duplicate=False))
    return sum(tensor.numel() for name, tensor in model.state_dict().items() if name not in parameters)


def unsaved_parameters(model):
    """Elements of parameters that are made anew on loading: positions that follow from a formula."""
    ignored = getattr(model, "_keys_to_ignore_on_save", None) or ()
    count = sum(tensor.numel() for name, tensor in model.named_parameters() if name in ignored)
    return {"unsaved": count} if count > 0 else {}


def class_defaults(model_type):
    """What each layer of the class's own default configuration keeps, and its heads: `full x 4`."""
    config = CONFIG_MAPPING[model_type]().get_text_config(decoder=True)
    if model_type in OUTSIDE_CACHES and not hasattr(config, "layer_types"):
        raise ValueError("the library's caches do not describe its layers")
    types, options = get_layer_types_and_kwargs(config)
    words = [" ".join([SHORT_TYPES.get(name, name), *map(str, kept)]) for name, kept in zip(types, map(window, options))]
    runs = [f"{word} x {len(list(group))}" for word, group in itertools.groupby(words)]
    heads = {name: getattr(config, name, None) for name in ("num_hidden_layers", "num_key_value_heads", "head_dim")}
    # Of a class that counts in `num_hidden_layers` what it makes of them, what was given.
    heads["num_hidden_layers"] = getattr(config, "num_layers_per_stack", None) or heads["num_hidden_layers"]
    return {"layers": runs, **{name: value for name, value in heads.items() if isinstance(value, int)}}


SHORT_TYPES = {"full_attention": "full", "sliding_attention": "sliding", "chunked_attention": "chunked"}


def window(options):
    return [options["sliding_window"]] if "sliding_window" in options else []


def weight_bytes(model):
    """Bytes of what a checkpoint holds, once each: parameters and saved buffers."""
    tensors = {id(tensor): tensor for tensor in model.state_dict(keep_vars=True).values()}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def ask(model_type):
    if model_type in LEFT_OUT:
        return {"modelType": model_type, "refused": LEFT_OUT[model_type]}
    try:
        return measure(model_type)
    except Exception as problem:
        if "-v" in sys.argv:
            import traceback
            traceback.print_exc()
        return {"modelType": model_type, "refused": first_line(problem)}


def main():
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    chosen = [argument for argument in sys.argv[1:] if argument != "-v"]
    versions = {"python": sys.version.split()[0], "torch": torch.__version__, "transformers": transformers.__version__}
    print(json.dumps({"versions": versions}), flush=True)
    for model_type in chosen or asked_types():
        print(json.dumps(ask(model_type)), flush=True)


main()
