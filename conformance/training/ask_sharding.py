"""Runs DeepSpeed's own estimators of model states, and prints what they give as JSON, the version first.

    python conformance/training/ask_sharding.py deepspeed-0.19.8.tar.gz

Reads them out of a source distribution (`pip download --no-deps --no-binary :all: deepspeed==0.19.8`): the package itself needs a compiler.
"""

import ast
import json
import sys
import tarfile

FUNCTIONS = {
    "runtime/zero/stage_1_and_2.py": "estimate_zero2_model_states_mem_needs",
    "runtime/zero/stage3.py": "estimate_zero3_model_states_mem_needs",
}
# Parameters and those of the largest module; T5-3B rounded as in DeepSpeed's own documentation (docs/code-docs/source/memory.rst).
MODELS = [("t5-3b", 2_851_000_000, 32_000_000), ("7B", 6_738_415_616, 131_072_000), ("odd", 123_456_789, 1_234_567)]
GPUS = (1, 2, 8, 64)


def functions(archive):
    with tarfile.open(archive) as files:
        for end, name in FUNCTIONS.items():
            member = next(item for item in files if item.name.endswith(f"deepspeed/{end}"))
            module = ast.parse(files.extractfile(member).read())
            found = next(node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name)
            scope = {}
            exec(compile(ast.Module([found], []), end, "exec"), scope)
            yield scope[name]


def main():
    zero2, zero3 = functions(sys.argv[1])
    print(json.dumps({"deepspeed": sys.argv[1].rsplit("-", 1)[1].removesuffix(".tar.gz")}))
    for model, parameters, largest in MODELS:
        for gpus in GPUS:
            row = {"model": model, "parameters": parameters, "largest": largest, "gpus": gpus}
            for offload in (False, True):
                bytes_ = zero2(parameters, gpus, cpu_offload=offload)[1]
                print(json.dumps({**row, "stage": 2, "offload": "optimizer" if offload else "none", "gpuBytes": bytes_}))
            for offload, options in {"none": (False, False), "optimizer": (True, False), "all": (True, True)}.items():
                bytes_ = zero3(parameters, largest, gpus, cpu_offload=options[0], cpu_offload_params=options[1])[1]
                print(json.dumps({**row, "stage": 3, "offload": offload, "gpuBytes": bytes_}))


main()
