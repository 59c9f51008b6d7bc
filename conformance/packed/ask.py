"""Has the tools that pack weights pack one small linear layer each, and prints what they would write to safetensors.

    ask.py TOOL   prints {"versions", "cases": [{"case", "quantization", "parameters", "tensors"}]}

`parameters` is counted on the layer before it is packed; `tensors` are name, dtype and shape of a file that the
`safetensors` package wrote. No value of a tensor is kept.
"""

import importlib.metadata
import json
import os
import struct
import sys
import tempfile
import warnings

import torch
from safetensors.torch import save_file

warnings.filterwarnings("ignore")
PATH = "model.layers.0.mlp.up_proj"
INPUTS, OUTPUTS = 384, 256
CASES = []


def linear(inputs=INPUTS, outputs=OUTPUTS, dtype=torch.float32, bias=True):
    torch.manual_seed(0)
    return torch.nn.Linear(inputs, outputs, bias=bias).to(dtype)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def header_of(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    header.pop("__metadata__", None)
    return [[name, entry["dtype"], entry["shape"]] for name, entry in sorted(header.items())]


def record(case, quantization, parameters, tensors, prefix=f"{PATH}."):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        save_file({prefix + name: value.detach().clone().contiguous() for name, value in tensors.items()}, path)
        table = header_of(path)
    CASES.append({"case": case, "quantization": quantization, "parameters": parameters, "tensors": table})


def compressed_tensors():
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme

    def scale_shape(args, inputs):
        if args.strategy == "tensor":
            return (1,)
        if args.strategy == "block":
            height, width = args.block_structure
            return (-(-OUTPUTS // height), -(-inputs // width))
        return (OUTPUTS, inputs // args.group_size if args.group_size else 1)

    def pack(form, inputs=INPUTS, **weights):
        args = QuantizationArgs(**weights)
        layer = linear(inputs)
        shape = scale_shape(args, inputs)
        state = dict(layer.state_dict())
        state["weight_scale"] = torch.full(shape, 0.25)
        state["weight_zero_point"] = torch.zeros(shape, dtype=torch.int8)
        if args.strategy == "tensor_group":
            state["weight_global_scale"] = torch.ones(1)
            state["input_global_scale"] = torch.ones(1)
        scheme = QuantizationScheme(targets=["Linear"], weights=args, format=form)
        packed = BaseCompressor.get_value_from_registry(form).compress(state, scheme)
        group = json.loads(scheme.model_dump_json())
        label = ", ".join([form, *(str(value) for value in weights.values()), str(inputs)])
        config = {"quant_method": "compressed-tensors", "format": form, "config_groups": {"group_0": group}}
        record(label, config, count(layer), packed)

    for bits in range(1, 9):
        for symmetric in (True, False):
            pack("pack-quantized", num_bits=bits, type="int", strategy="group", group_size=64, symmetric=symmetric)
    pack("pack-quantized", num_bits=4, type="int", strategy="channel", symmetric=True)
    pack("pack-quantized", num_bits=3, type="int", strategy="channel", symmetric=True)
    # 12 words of 3 bits can be 126, 127 or 128 columns: only the value of `weight_shape` tells.
    pack("pack-quantized", inputs=126, num_bits=3, type="int", strategy="channel", symmetric=True)
    pack("int-quantized", num_bits=8, type="int", strategy="channel", symmetric=True)
    pack("int-quantized", num_bits=8, type="int", strategy="group", group_size=128, symmetric=False)
    for strategy in ("tensor", "channel"):
        pack("float-quantized", num_bits=8, type="float", strategy=strategy)
    pack("float-quantized", num_bits=8, type="float", strategy="block", block_structure=[128, 128])
    pack("naive-quantized", num_bits=4, type="int", strategy="channel", symmetric=True)
    pack("nvfp4-pack-quantized", num_bits=4, type="float", strategy="tensor_group", group_size=16)
    mx = {"type": "float", "strategy": "group", "group_size": 32, "scale_dtype": torch.uint8}
    pack("mxfp4-pack-quantized", num_bits=4, **mx)
    pack("mxfp6-pack-quantized", num_bits=6, **mx)
    pack("mxfp8-quantized", num_bits=8, **mx)


def gptqmodel():
    from gptqmodel.nn_modules.qlinear.torch import TorchLinear

    for bits in range(2, 9):
        for group_size in (128, -1):
            layer = linear(dtype=torch.float16)
            groups = 1 if group_size == -1 else INPUTS // group_size
            index = torch.arange(INPUTS, dtype=torch.int32) // (INPUTS // groups)
            packed = TorchLinear(
                bits=bits, group_size=group_size, sym=True, desc_act=False, in_features=INPUTS,
                out_features=OUTPUTS, bias=True, register_buffers=True,
            )
            scales = torch.full((OUTPUTS, groups), 0.25)
            zeros = torch.full((OUTPUTS, groups), float(2 ** (bits - 1)))
            packed.pack_original(linear=layer, scales=scales, zeros=zeros, g_idx=index)
            config = {"quant_method": "gptq", "bits": bits, "group_size": group_size, "checkpoint_format": "gptq"}
            record(f"{bits} bits, group size {group_size}", config, count(layer), packed.state_dict())


def autoawq():
    from awq.modules.linear import gemm, gemv, gemv_fast

    kinds = {"gemm": gemm.WQLinear_GEMM, "gemv": gemv.WQLinear_GEMV, "gemv_fast": gemv_fast.WQLinear_GEMVFast}
    for version, kind in kinds.items():
        for inputs, outputs in ((INPUTS, OUTPUTS), (1024, 256), (256, 256)):
            layer = linear(inputs, outputs, torch.float16)
            groups = torch.full((outputs, inputs // 64), 0.25, dtype=torch.float16)
            if version == "gemm":
                groups = groups.t().contiguous()
            packed = kind.from_linear(layer, 4, 64, scales=groups, zeros=torch.full_like(groups, 8))
            config = {"quant_method": "awq", "bits": 4, "group_size": 64, "version": version, "zero_point": True}
            record(f"{version}, {inputs} x {outputs}", config, count(layer), packed.state_dict())


def auto_round():
    from auto_round.export.export_to_autoround.qlinear_fp import QuantLinear as Float
    from auto_round.export.export_to_autoround.qlinear_int import QuantLinear as MxInt
    from auto_round.export.export_to_awq.utils import WQLinear_GEMM
    from auto_round_extension.torch.qlinear_torch import QuantLinear as Symmetric
    from auto_round_extension.torch.qlinear_torch_zp import QuantLinear as ZeroPoint

    def config(packing, bits, group_size, data_type="int"):
        return {
            "quant_method": "auto-round", "bits": bits, "group_size": group_size, "data_type": data_type,
            "packing_format": packing, "autoround_version": importlib.metadata.version("auto-round"),
        }

    kinds = {"auto_round": Symmetric, "auto_round:auto_gptq": ZeroPoint}
    for packing, kind in kinds.items():
        for bits in (2, 3, 4, 5, 6, 7, 8):
            layer = linear(dtype=torch.float16)
            try:
                packed = kind(bits, 128, INPUTS, OUTPUTS, True)
                packed.device = "cpu"  # set by the exporter
                scales = torch.full((OUTPUTS, INPUTS // 128), 0.25)
                packed.pack(layer, scales, torch.full_like(scales, 2 ** (bits - 1)), None, "cpu")
            except NotImplementedError:
                continue
            record(f"{packing}, {bits} bits", config(packing, bits, 128), count(layer), packed.state_dict())
    layer = linear(dtype=torch.float16)
    scales = torch.full((INPUTS // 128, OUTPUTS), 0.25, dtype=torch.float16)
    packed = WQLinear_GEMM.from_linear(layer, 4, 128, scales=scales, zeros=torch.full_like(scales, 8), device="cpu")
    record("auto_round:auto_awq, 4 bits", config("auto_round:auto_awq", 4, 128), count(layer), packed.state_dict())
    for data_type, kind, bits, group_size in (
        ("mx_fp", Float, 4, 32), ("mx_fp", Float, 8, 32), ("nv_fp", Float, 4, 16), ("mx_int", MxInt, 4, 32),
    ):
        layer = linear(dtype=torch.float16)
        packed = kind(bits, group_size, INPUTS, OUTPUTS, True, data_type=data_type, act_bits=16)
        scales = torch.zeros(OUTPUTS, INPUTS // group_size) if data_type != "nv_fp" else torch.ones(OUTPUTS, INPUTS // 16)
        packed.pack(layer, scales, global_scale=torch.ones(1) if data_type == "nv_fp" else None, device="cpu")
        label = f"{data_type}, {bits} bits"
        record(label, config("auto_round:llm_compressor", bits, group_size, data_type), count(layer), packed.state_dict())


def bitsandbytes():
    import bitsandbytes as bnb

    for kind in ("nf4", "fp4"):
        for nested in (False, True):
            layer = linear(dtype=torch.bfloat16)
            packed = bnb.nn.Linear4bit(INPUTS, OUTPUTS, quant_type=kind, compress_statistics=nested)
            packed.load_state_dict(layer.state_dict())
            config = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": kind}
            label = f"{kind}, {'nested' if nested else 'plain'} statistics"
            record(label, config, count(layer), packed.to("cpu").state_dict())
    layer = linear(dtype=torch.float16)
    packed = bnb.nn.Linear8bitLt(INPUTS, OUTPUTS, has_fp16_weights=False)
    packed.load_state_dict(layer.state_dict())
    config = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    record("int8", config, count(layer), packed.to("cpu").state_dict())


def hqq():
    from hqq.core.quantize import BaseQuantizeConfig, HQQLinear

    for bits in (8, 6, 5, 4, 3, 2, 1):
        for axis in (0, 1):
            for group_size in (64, None):
                layer = linear()
                try:
                    config = BaseQuantizeConfig(nbits=bits, group_size=group_size, axis=axis)
                    packed = HQQLinear(layer, config, compute_dtype=torch.float16, device="cpu", del_orig=False)
                except (AssertionError, KeyError, IndexError):
                    continue
                quantization = {"quant_method": "hqq", "quant_config": json.loads(json.dumps(config, default=str))}
                label = f"{bits} bits, axis {axis}, group size {group_size}"
                record(label, quantization, count(layer), packed.state_dict())


def torchao():
    from torchao.prototype.safetensors.safetensors_support import flatten_tensor_state_dict
    from torchao.quantization import (
        Float8WeightOnlyConfig, Int4WeightOnlyConfig, Int8WeightOnlyConfig, IntxWeightOnlyConfig, PerGroup, quantize_,
    )
    from torchao.prototype.mx_formats import MXDynamicActivationMXWeightConfig, NVFP4WeightOnlyConfig

    kinds = {
        "float8 weight only": lambda: Float8WeightOnlyConfig(),
        "int8 weight only": lambda: Int8WeightOnlyConfig(),
        "int4 weight only": lambda: Int4WeightOnlyConfig(group_size=64),
        "int4 weight only, plain_int32": lambda: Int4WeightOnlyConfig(group_size=64, int4_packing_format="plain_int32"),
        "int4 weight only, tile_packed_to_4d": lambda: Int4WeightOnlyConfig(
            group_size=64, int4_packing_format="tile_packed_to_4d"),
        "intx weight only, 3 bits": lambda: IntxWeightOnlyConfig(weight_dtype=torch.int3, granularity=PerGroup(64)),
        "nvfp4 weight only": lambda: NVFP4WeightOnlyConfig(),
        "mxfp8": lambda: MXDynamicActivationMXWeightConfig(
            activation_dtype=torch.float8_e4m3fn, weight_dtype=torch.float8_e4m3fn),
        "mxfp4": lambda: MXDynamicActivationMXWeightConfig(
            activation_dtype=torch.float4_e2m1fn_x2, weight_dtype=torch.float4_e2m1fn_x2),
    }
    for label, make in kinds.items():
        layer = linear(dtype=torch.bfloat16)
        model = torch.nn.Sequential(layer)
        parameters = count(model)
        try:
            quantize_(model, make())
            state = {name.removeprefix("0."): value.data for name, value in model.state_dict().items()}
            flat, _ = flatten_tensor_state_dict({f"{PATH}.{name}": value for name, value in state.items()})
        except Exception as error:  # kernels for a GPU
            print(f"torchao {label}: {type(error).__name__}: {str(error)[:120]}", file=sys.stderr)
            continue
        record(label, {"quant_method": "torchao"}, parameters, flat, prefix="")


def mlx():
    import mlx.core as mx
    import mlx.nn as nn

    mx.set_default_device(mx.cpu)
    kinds = [("affine", bits, group) for bits in (2, 3, 4, 5, 6, 8) for group in (32, 64, 128)]
    for mode, bits, group in [*kinds, ("mxfp4", 4, 32), ("nvfp4", 4, 16), ("mxfp8", 8, 32)]:
        layer = nn.Linear(INPUTS, OUTPUTS)
        parameters = layer.weight.size + layer.bias.size
        packed = nn.QuantizedLinear.from_linear(layer, group, bits, mode=mode)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")
            packed_tensors = {f"{PATH}.{name}": value for name, value in packed.parameters().items()}
            mx.save_safetensors(path, packed_tensors)
            table = header_of(path)
        quantization = {"group_size": group, "bits": bits, "mode": mode}
        CASES.append({"case": f"{mode}, {bits} bits, group size {group}", "quantization": quantization,
                      "parameters": parameters, "tensors": table})


def tiny_llama():
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=256, intermediate_size=512, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=64, vocab_size=512, max_position_embeddings=512, tie_word_embeddings=False,
        architectures=["LlamaForCausalLM"],
    )
    return LlamaForCausalLM(config).to(torch.bfloat16)


def folder_of(save):
    """The config and tensors a tool writes to a folder."""
    with tempfile.TemporaryDirectory() as folder:
        save(folder)
        names = sorted(name for name in os.listdir(folder) if name.endswith(".safetensors"))
        tables = [row for name in names for row in header_of(os.path.join(folder, name))]
        with open(os.path.join(folder, "config.json")) as file:
            return json.load(file).get("quantization_config"), tables


def modelopt():
    import modelopt.torch.quantization as mtq
    from modelopt.torch.export import export_hf_checkpoint

    names = [
        "NVFP4_DEFAULT_CFG", "NVFP4_MLP_ONLY_CFG", "FP8_DEFAULT_CFG", "FP8_PER_CHANNEL_PER_TOKEN_CFG",
        "FP8_2D_BLOCKWISE_WEIGHT_ONLY_CFG", "MXFP8_DEFAULT_CFG", "MXFP4_DEFAULT_CFG", "W4A8_NVFP4_FP8_CFG",
        "W4A8_MXFP4_FP8_CFG", "INT4_AWQ_CFG", "INT8_SMOOTHQUANT_CFG", "INT8_DEFAULT_CFG", "NVFP4_W4A16_CFG",
    ]
    for name in names:
        model = tiny_llama()
        parameters = count(model)
        try:
            tokens = torch.arange(32).reshape(1, 32)
            model = mtq.quantize(model, getattr(mtq, name), lambda quantized: quantized(tokens))
            quantization, tensors = folder_of(lambda folder: export_hf_checkpoint(model, export_dir=folder))
        except Exception as error:
            print(f"modelopt {name}: {type(error).__name__}: {str(error)[:160]}", file=sys.stderr)
            continue
        CASES.append({"case": name, "quantization": quantization, "parameters": parameters, "tensors": tensors})


def quark():
    from quark.torch import LLMTemplate, ModelQuantizer, export_safetensors

    for scheme in ["mxfp4", "mxfp6_e2m3", "mxfp6_e3m2", "fp8", "ptpc_fp8", "int4_wo_32", "int4_wo_128", "uint4_wo_128",
                   "int8", "mxfp4_fp8", "nvfp4", "mxfp8", "int4_wo_64", "uint4_wo_32", "bfp16", "mx6"]:
        model = tiny_llama()
        parameters = count(model)
        try:
            config = LLMTemplate.get("llama").get_config(scheme=scheme)
            tokens = torch.utils.data.DataLoader(torch.arange(32).reshape(1, 32))
            model = ModelQuantizer(config).quantize_model(model, tokens)
            model = ModelQuantizer.freeze(model)
            quantization, tensors = folder_of(lambda folder: export_safetensors(model, folder))
        except Exception as error:
            print(f"quark {scheme}: {type(error).__name__}: {str(error)[:160]}", file=sys.stderr)
            continue
        CASES.append({"case": scheme, "quantization": quantization, "parameters": parameters, "tensors": tensors})


def transformers():
    from types import SimpleNamespace

    from transformers import FineGrainedFP8Config
    from transformers.integrations.bitnet import BitLinear, pack_weights
    from transformers.integrations.finegrained_fp8 import Fp8Quantize

    for label, block, scale in (("block", (128, 128), "float"), ("tensor", None, "float"), ("ue8m0", (128, 128), "ue8m0")):
        layer = linear()
        config = FineGrainedFP8Config(weight_block_size=block)
        config.scale_fmt = scale
        packed = Fp8Quantize(SimpleNamespace(quantization_config=config)).convert({f"{PATH}.weight": layer.weight.data})
        packed[f"{PATH}.bias"] = layer.bias
        record(f"fp8, {label}", json.loads(config.to_json_string(use_diff=False)), count(layer), packed, prefix="")
    layer = linear(bias=False)
    packed = BitLinear(INPUTS, OUTPUTS, bias=False, dtype=torch.bfloat16)
    state = packed.state_dict()
    state["weight"] = pack_weights(torch.randint(-1, 2, (OUTPUTS, INPUTS)))
    assert state["weight"].shape == packed.weight.shape
    record("bitnet", {"quant_method": "bitnet", "linear_class": "bitlinear"}, count(layer), state)


TOOLS = {
    "autoawq": (autoawq, ["autoawq"]),
    "auto-round": (auto_round, ["auto-round"]),
    "bitsandbytes": (bitsandbytes, ["bitsandbytes"]),
    "compressed-tensors": (compressed_tensors, ["compressed-tensors"]),
    "gptqmodel": (gptqmodel, ["gptqmodel"]),
    "hqq": (hqq, ["hqq"]),
    "mlx": (mlx, ["mlx"]),
    "modelopt": (modelopt, ["nvidia-modelopt", "transformers"]),
    "quark": (quark, ["amd-quark", "transformers"]),
    "torchao": (torchao, ["torchao"]),
    "transformers": (transformers, ["transformers"]),
}

if __name__ == "__main__":
    # Some of the tools print to standard output while they work.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    run, packages = TOOLS[sys.argv[1]]
    run()
    versions = {name: importlib.metadata.version(name) for name in [*packages, "torch"]}
    json.dump({"versions": versions, "cases": CASES}, answer)
