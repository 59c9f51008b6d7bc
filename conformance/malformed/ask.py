"""Asks the reference readers whether they take each file of a folder, one line of JSON each.

GGUF: `gguf_init_from_file` of the llama.cpp library that npm carries (no compiler), as the loader of models calls it, and then that
loader's own check that every tensor lies within the file. safetensors: the `safetensors` package. Each file is asked in a process of
its own with a limit on memory and time: a reader that crashes has not taken it.

    python ask.py <folder of files> <libggml-base.so>
"""

import ctypes
import json
import os
import resource
import sys
from pathlib import Path

MEMORY_BYTES = 4 << 30
SECONDS = 20


class InitParams(ctypes.Structure):
    _fields_ = [("no_alloc", ctypes.c_bool), ("ctx", ctypes.POINTER(ctypes.c_void_p))]


LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


def ask_gguf(path, library):
    ggml = ctypes.CDLL(library)
    said = []
    keep = LOG(lambda _level, text, _data: said.append(text.decode("utf-8", "replace").strip()))
    ggml.ggml_log_set(keep, None)
    ggml.gguf_init_from_file.restype = ctypes.c_void_p
    ggml.gguf_init_from_file.argtypes = [ctypes.c_char_p, InitParams]
    for name in ["gguf_get_n_tensors", "gguf_get_data_offset", "gguf_get_tensor_offset", "gguf_get_tensor_size"]:
        getattr(ggml, name).restype = ctypes.c_uint64
        getattr(ggml, name).argtypes = [ctypes.c_void_p] + [ctypes.c_int64] * name.startswith("gguf_get_tensor_")
    opened = ggml.gguf_init_from_file(str(path).encode(), InitParams(True, ctypes.pointer(ctypes.c_void_p())))
    if opened is None:
        return {"takes": False, "reason": next((text for text in said if text), "")}
    start = ggml.gguf_get_data_offset(opened)
    for index in range(ggml.gguf_get_n_tensors(opened)):
        end = start + ggml.gguf_get_tensor_offset(opened, index) + ggml.gguf_get_tensor_size(opened, index)
        # `src/llama-model-loader.h`, llama_tensor_weight: "data is not within the file bounds".
        if end > path.stat().st_size:
            return {"takes": False, "reason": f"tensor {index} is not within the file bounds"}
    return {"takes": True}


def ask_safetensors(path):
    from safetensors import safe_open

    try:
        with safe_open(path, framework="numpy") as opened:
            # The names alone: their bytes need no type that numpy has.
            list(opened.keys())
            opened.metadata()
        return {"takes": True}
    except Exception as error:  # noqa: BLE001: whatever it raises is its verdict
        return {"takes": False, "reason": str(error).splitlines()[0]}


def ask(path, library):
    """In a child process, so that a crash is an answer."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receive)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.environ["GGML_NO_BACKTRACE"] = "1"
        for stream in [1, 2]:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        answer = ask_gguf(path, library) if path.suffix == ".gguf" else ask_safetensors(path)
        os.write(send, json.dumps(answer).encode())
        os._exit(0)
    os.close(send)
    with os.fdopen(receive, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return json.loads(said) if said else {"takes": False, "reason": f"ended by signal {os.WTERMSIG(status)}"}


def main():
    folder, library = Path(sys.argv[1]), sys.argv[2]
    import safetensors

    print(json.dumps({"safetensors": safetensors.__version__}))
    for path in sorted(folder.iterdir()):
        print(json.dumps({"file": path.name, **ask(path, library)}))


main()
