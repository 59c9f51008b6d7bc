"""Asks mlx-lm, on a CPU, what tiny models of each model_type hold: one JSON line a model_type.

Weights: bytes of the arrays of a loaded directory, as transformers saves it and as mlx_lm.convert does, packed and not.
Cache: `nbytes` after mlx_lm's own generate_step (several sequences: its BatchGenerator).
"""

import contextlib
import importlib.metadata
import io
import json
import pathlib
import sys
import tempfile
import warnings

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm import utils
from mlx_lm.generate import BatchGenerator, generate_step
from mlx_lm.models.cache import make_prompt_cache

import tiny_configs

mx.random.seed(0)

# Prompt lengths around multiples of 256 and of the prefill step; windows of the configurations are 96.
CACHES = [
    {"prompt": 40, "new": 3},
    {"prompt": 40, "new": 3, "dtype": "float32"},
    {"prompt": 256, "new": 0},
    {"prompt": 256, "new": 2},
    {"prompt": 300, "new": 8, "prefill": 64},
    {"prompt": 601, "new": 3, "prefill": 100},
    {"prompt": 250, "new": 9, "prefill": 50},
    {"prompt": 290, "new": 4, "prefill": 96, "maxKv": 200},
    {"prompt": 30, "new": 40, "prefill": 16, "maxKv": 64},
    {"prompt": 257, "new": 2, "prefill": 128, "bits": 8, "start": 0},
    {"prompt": 290, "new": 11, "prefill": 96, "bits": 4, "start": 300},
    {"prompt": 290, "new": 5, "prefill": 96, "bits": 4, "start": 300},
    {"prompt": 270, "new": 3, "prefill": 64, "sequences": 3},
]

# As `mlx_lm.convert` is asked to pack, one for each model_type in turn: mode, bits and group size.
PACKINGS = [["affine", 4, 64], ["affine", 8, 32], ["mxfp4", 4, 32]]

QUIET = contextlib.redirect_stdout(io.StringIO())


def in_float32(function):
    """The CPU backend multiplies gathered matrices in float32 only; results have the type they would have."""

    def run(a, b, *rest, **named):
        return function(a.astype(mx.float32), b.astype(mx.float32), *rest, **named).astype(a.dtype)

    return run


mx.gather_mm = in_float32(mx.gather_mm)


def first_line(problem):
    return f"{type(problem).__name__}: {problem}".strip().splitlines()[0][:140]


def build(config):
    model_class, args_class = utils._get_classes(config)
    # As `load_config` does it.
    model = model_class(args_class.from_dict(utils._decode_tagged_floats(config)))
    mx.eval(model.parameters())
    return model


def set_dtype(model, dtype):
    """As mlx_lm.convert does it (convert.py)."""
    keeps = getattr(model, "cast_predicate", lambda _: True)
    floating = lambda name, value: keeps(name) and mx.issubdtype(value.dtype, mx.floating)
    pairs = [(name, value.astype(dtype) if floating(name, value) else value) for name, value in tree_flatten(model.parameters())]
    model.load_weights(pairs, strict=False)
    mx.eval(model.parameters())
    return model


def cache_bytes(model, asked):
    prompt, step, sequences = asked["prompt"], asked.get("prefill", 2048), asked.get("sequences", 1)
    tokens = [index % 90 for index in range(prompt)]
    if sequences > 1:
        generator = BatchGenerator(model, max_tokens=10**6, prefill_step_size=step)
        generator.insert([tokens] * sequences)
        for _ in range(asked["new"]):
            generator.next_generated()
        return generator.prompt_cache_nbytes
    cache = make_prompt_cache(model, asked.get("maxKv"))
    packed = {"kv_bits": asked.get("bits"), "kv_group_size": 64, "quantized_kv_start": asked.get("start", 0)}
    steps = generate_step(
        mx.array(tokens), model, max_tokens=asked["new"], prompt_cache=cache, prefill_step_size=step, **packed
    )
    for _ in steps:
        pass
    mx.eval([entry.state for entry in cache])
    return sum(entry.nbytes for entry in cache)


def ask_caches(config):
    rows = []
    models = {dtype: set_dtype(build(config), getattr(mx, dtype)) for dtype in ("bfloat16", "float32")}
    for asked in CACHES:
        dtype = asked.get("dtype", "bfloat16")
        try:
            held = cache_bytes(models[dtype], asked)
        except Exception as problem:
            held = first_line(problem)
        rows.append(held)
    classes = [class_name(entry) for entry in make_prompt_cache(models["bfloat16"])]
    return classes, rows


def class_name(entry):
    inner = getattr(entry, "caches", None)
    name = type(entry).__name__
    return name if inner is None else f"{name}({', '.join(map(class_name, inner))})"


DTYPES = {mx.float32: "F32", mx.bfloat16: "BF16", mx.float16: "F16", mx.uint32: "U32", mx.uint8: "U8", mx.int32: "I32"}
BY_NAME = {name: dtype for dtype, name in DTYPES.items()}


def table(folder):
    held = {}
    for file in sorted(folder.glob("model*.safetensors")):
        held |= mx.load(str(file))
    return {name: " ".join(map(str, [DTYPES[value.dtype], *value.shape])) for name, value in held.items()}


def loaded_bytes(folder):
    with QUIET:
        model, _ = utils.load_model(folder)
    return sum(value.nbytes for _, value in tree_flatten(model.parameters()))


def ask_converted(config, packing):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model = set_dtype(build(config), mx.bfloat16)
        saved = {**config, "torch_dtype": "bfloat16"}
        with QUIET:
            if packing is not None:
                mode, bits, group = packing
                model, saved = utils.quantize_model(model, saved, group, bits, mode)
            utils.save_model(folder, model)
            utils.save_config(saved, folder / "config.json")
        quantization = saved.get("quantization")
        return {"quantization": quantization, "tensors": table(folder), "held": loaded_bytes(folder)}


def numbers(text):
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def names_of(pattern):
    before, brace, rest = pattern.partition("{")
    if not brace:
        return [pattern]
    inside, _, after = rest.partition("}")
    return [f"{before}{number}{name}" for number in numbers(inside) for name in names_of(after)]


def ask_published(row):
    """A directory with the names and shapes that transformers saves."""
    arrays = {}
    for pattern, text in row["tensors"].items():
        dtype, *shape = text.split(" ")
        for name in names_of(pattern):
            arrays[name] = mx.zeros([int(size) for size in shape], BY_NAME[dtype])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        mx.save_safetensors(str(folder / "model.safetensors"), arrays)
        (folder / "config.json").write_text(json.dumps(tiny_configs.published_config(row)))
        return loaded_bytes(folder)


def attempt(function, *given):
    try:
        return function(*given)
    except Exception as problem:
        return first_line(problem)


def ask(model_type, source):
    config = tiny_configs.tiny_config(model_type, source)
    row = {"modelType": model_type, "config": config}
    try:
        row["classes"], row["caches"] = ask_caches(config)
    except Exception as problem:
        return {"modelType": model_type, "refused": first_line(problem)}
    packing = PACKINGS[tiny_configs.MODEL_TYPES.index(model_type) % len(PACKINGS)]
    row["converted"] = [attempt(ask_converted, config, each) for each in (None, packing)]
    if model_type in source:
        row["published"] = attempt(ask_published, source[model_type])
    return row


def main():
    """Names of model types: asks of each. A folder: loads what is in it. None: lists the types there are, with the workloads."""
    warnings.simplefilter("ignore")
    named = sys.argv[1:]
    if named[:1] == ["--folder"]:
        for folder in sorted(pathlib.Path(named[1]).iterdir()):
            print(json.dumps({"model": folder.name, "held": attempt(loaded_bytes, folder)}))
        return
    if not named:
        versions = {name: importlib.metadata.version(name) for name in ("mlx", "mlx-cpu", "mlx-lm", "transformers")}
        versions = {"python": sys.version.split()[0], **versions}
        print(json.dumps({"versions": versions, "workloads": CACHES, "modelTypes": sorted(tiny_configs.MODEL_TYPES)}))
        return
    source = tiny_configs.rows()
    for model_type in named:
        print(json.dumps(ask(model_type, source)))


if __name__ == "__main__":
    main()
