"""A CUDA platform that no GPU stands behind, so that vLLM's own code chooses as it does on one.

Weights are made on the meta device and nothing is computed: kernels are only named. What is stood in for: the device's name,
memory and compute capability (Hopper), the CUDA extensions that a CPU build lacks, and the groups of ranks.
"""

import os
import sys
import types

os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["VLLM_NO_USAGE_STATS"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import torch  # noqa: E402
import torch._ops  # noqa: E402
import torch.overrides  # noqa: E402

torch.set_num_threads(1)
torch.cuda.current_device = lambda: 0


READ = []


class Kernel:
    """Named, never run."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Kernel()

    def __call__(self, *_, **__):
        return None


class Later(Kernel):
    """A stream or an event of a device that is not there."""

    def __init__(self, *_, **__):
        pass


torch.cuda.Stream = torch.cuda.Event = Later


class Kernels(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Kernel()


def stand_in_for_extensions():
    for name in ("_C_stable_libtorch", "_moe_C_stable_libtorch", "_moe_C", "_flashkda_C"):
        sys.modules[f"vllm.{name}"] = types.ModuleType(f"vllm.{name}")
    for name in ("vllm.vllm_flash_attn", "vllm.vllm_flash_attn.flash_attn_interface"):
        module = Kernels(name)
        module.__path__ = []
        module.is_fa_version_supported = lambda version, *_: version == 3
        module.fa_version_unsupported_reason = lambda *_: None
        sys.modules[name] = module
    # A fused kernel of Kimi Linear, which is written in a language of GPUs that a CPU build lacks.
    fused = "vllm.model_executor.kernels.linear.cute_dsl.gemm_rs_ar"
    sys.modules[fused] = Kernels(fused)
    lookup = torch._ops._OpNamespace.__getattr__

    def named(self, name):
        try:
            return lookup(self, name)
        except AttributeError:
            space = self.__dict__.get("name", "")
            if not space.startswith(("_C", "_moe_C", "_flashkda_C")):
                raise
            if "support" in name:
                return lambda *_, **__: False
            # What is looked up while modules are read tells which extensions are there.
            if not READ:
                raise
            return Kernel()

    torch._ops._OpNamespace.__getattr__ = named


stand_in_for_extensions()

import huggingface_hub.dataclasses as strict  # noqa: E402

# Configurations that went through JSON have 1 where a class asks for 1.0.
check = strict._validate_simple_type
strict._validate_simple_type = lambda name, value, kind: check(
    name, float(value) if kind is float and type(value) is int else value, kind
)

import triton.backends  # noqa: E402

# A CPU build takes Triton's kernels for usable where Triton has a backend for CPUs.
triton.backends.backends["cpu"] = types.SimpleNamespace(driver=None)

import vllm.platforms  # noqa: E402
from vllm.platforms import cuda  # noqa: E402
from vllm.platforms.interface import DeviceCapability  # noqa: E402


class Hopper(cuda.NonNvmlCudaPlatform):
    @classmethod
    def get_device_capability(cls, device_id=0):
        return DeviceCapability(9, 0)

    @classmethod
    def get_device_total_memory(cls, device_id=0):
        return 80 * 1024**3

    @classmethod
    def get_device_name(cls, device_id=0):
        return "NVIDIA H100 80GB HBM3"

    @classmethod
    def is_fully_connected(cls, device_ids):
        return True

    @classmethod
    def device_count(cls):
        return 8

    @classmethod
    def num_compute_units(cls, device_id=0):
        return 132

    @classmethod
    def current_device(cls):
        return "meta"

    @classmethod
    def import_kernels(cls):
        pass

    @classmethod
    def check_if_supports_dtype(cls, dtype):
        pass


vllm.platforms._current_platform = Hopper()

import vllm._custom_ops  # noqa: E402, F401

READ.append("vllm._custom_ops")

import vllm.model_executor.models.registry as registry  # noqa: E402

# The release looks at a model's class in a process of its own, where nothing of this file holds.
registry._LazyRegisteredModel.inspect_model_cls = lambda self: registry._ModelInfo.from_model_cls(self.load_model_cls())

import vllm.utils.deep_gemm as deep_gemm  # noqa: E402
import vllm.utils.import_utils as import_utils  # noqa: E402

for module in (deep_gemm, import_utils):
    module.has_deep_gemm = module.is_deep_gemm_supported = lambda *_: True

import vllm.distributed.parallel_state as parallel_state  # noqa: E402


class Ranks:
    """A group of ranks as one of them sees it, without the others."""

    def __init__(self, size, rank=0):
        self.world_size, self.rank_in_group, self.rank, self.local_rank = size, rank, rank, rank
        self.ranks = list(range(size))
        self.first_rank, self.last_rank = 0, size - 1
        self.is_first_rank, self.is_last_rank = rank == 0, rank == size - 1
        self.unique_name = f"ranks:{size}"
        self.device_group = self.cpu_group = types.SimpleNamespace(size=lambda: size, rank=lambda: rank)
        self.device_communicator = None
        self.device = torch.device("cpu")


def stand_for(tensor_parallel=1, stages=1, stage=0, data_parallel=1):
    """Makes this process the first rank of a stage."""
    parallel_state._TP = Ranks(tensor_parallel)
    parallel_state._PP = Ranks(stages, stage)
    parallel_state._DP = Ranks(data_parallel)
    parallel_state._EP = Ranks(tensor_parallel * data_parallel)
    parallel_state._PCP = Ranks(1)
    parallel_state._DCP = Ranks(1)
    parallel_state._ETP = Ranks(tensor_parallel)
    parallel_state._WORLD = Ranks(tensor_parallel * stages * data_parallel)


class OnMeta(torch.overrides.TorchFunctionMode):
    """Makes what is asked for on a CUDA device on the meta device."""

    def __torch_function__(self, function, _, arguments=(), options=None):
        options = dict(options or {})
        if torch.device(options.get("device") or "meta").type == "cuda":
            options["device"] = "meta"
        return function(*arguments, **options)
