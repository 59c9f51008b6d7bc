"""Reads each file named on standard input with the reference package of its format, and prints one JSON line for it.

GGUF by the `gguf` package of llama.cpp, safetensors by the `safetensors` package. Floats are hexadecimal texts, so that
no bit is lost on the way; arrays are a length and a digest of their values.
"""

import hashlib
import json
import struct
import sys

from gguf import GGUFReader, GGUFValueType
from safetensors import safe_open

# Scalars that JSON numbers do not carry exactly.
FLOATS = {GGUFValueType.FLOAT32, GGUFValueType.FLOAT64}
NAMES = {
    GGUFValueType.UINT8: "u8",
    GGUFValueType.INT8: "i8",
    GGUFValueType.UINT16: "u16",
    GGUFValueType.INT16: "i16",
    GGUFValueType.UINT32: "u32",
    GGUFValueType.INT32: "i32",
    GGUFValueType.FLOAT32: "f32",
    GGUFValueType.BOOL: "bool",
    GGUFValueType.STRING: "string",
    GGUFValueType.ARRAY: "array",
    GGUFValueType.UINT64: "u64",
    GGUFValueType.INT64: "i64",
    GGUFValueType.FLOAT64: "f64",
}
# What GGUFReader itself adds to the keys of the file.
OWN_FIELDS = {"GGUF.version", "GGUF.tensor_count", "GGUF.kv_count"}


def scalar(value_type, part):
    if value_type == GGUFValueType.STRING:
        return bytes(part).decode("utf-8")
    value = part[0].item()
    if value_type in FLOATS:
        return struct.pack(">d", float(value)).hex()
    if value_type == GGUFValueType.BOOL:
        return bool(value)
    return str(value)


def digest(values):
    sha = hashlib.sha256()
    for value in values:
        sha.update((value if isinstance(value, str) else json.dumps(value)).encode())
        sha.update(b"\n")
    return sha.hexdigest()


def key(field):
    first = field.types[0]
    if first != GGUFValueType.ARRAY:
        return [field.name, NAMES[first], scalar(first, field.parts[field.data[0]])]
    element = field.types[-1] if len(field.types) > 1 else GGUFValueType.UINT32
    values = [scalar(element, field.parts[index]) for index in field.data]
    return [field.name, f"array of {NAMES[element]}", len(values), digest(values)]


def dump_gguf(path):
    reader = GGUFReader(path)
    return {
        "keys": [key(field) for name, field in reader.fields.items() if name not in OWN_FIELDS],
        "tensors": [
            [
                tensor.name,
                tensor.tensor_type.name,
                [int(dimension) for dimension in tensor.shape],
                int(tensor.data_offset),
                int(tensor.n_bytes),
            ]
            for tensor in reader.tensors
        ],
    }


def dump_safetensors(path):
    """The package gives names, types, shapes and metadata; where the bytes lie is read from the header it accepted."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    tensors = []
    with safe_open(path, framework="numpy") as opened:
        metadata = opened.metadata() or {}
        for name in opened.keys():
            view = opened.get_slice(name)
            begin, end = header[name]["data_offsets"]
            tensors.append([name, view.get_dtype(), view.get_shape(), 8 + length + begin, end - begin])
    return {"keys": [[name, "string", value] for name, value in metadata.items()], "tensors": tensors}


def dump(path):
    with open(path, "rb") as file:
        is_gguf = file.read(4) == b"GGUF"
    try:
        return {"file": path, **(dump_gguf(path) if is_gguf else dump_safetensors(path))}
    except Exception as problem:  # whatever the package raises for a file it does not read
        return {"file": path, "refused": f"{type(problem).__name__}: {problem}"}


for line in sys.stdin:
    print(json.dumps(dump(line.rstrip("\n"))), flush=True)
