"""Asks PyTorch, transformers, peft and bitsandbytes what a training step leaves in memory, and prints one JSON row a line, the versions first.

    python conformance/training/ask_states.py [model_type ...]

Every tiny model of `../transformers/tiny_configs.py` that generates text runs one step of every optimizer, in float32 and in
bfloat16. A row holds the bytes of parameters, of gradients and of all tensors of the optimizer, and for LoRA the parameters
and tensors that peft adds for several sets of targets. Weights are random: only sizes are looked at.
"""

import json
import logging
import re
import sys
import tempfile
import warnings
from pathlib import Path

import bitsandbytes
import peft
import torch
import transformers
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from transformers.optimization import Adafactor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "transformers"))
from encoder_decoders import ENCODER_DECODERS  # noqa: E402
from tiny_configs import ENCODERS, LEFT_OUT, TEXT_MODELS, tiny_config  # noqa: E402

DTYPES = ("float32", "bfloat16")
LORA_RANK = 4
LORA_TARGETS = {
    "default": None,
    "all-linear": "all-linear",
    "attention": ["q_proj", "k_proj", "v_proj", "o_proj"],
    "named": ["query_key_value", "dense", "up_proj", "down_proj", "fc1"],
}


def nbytes(tensors):
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def parameters(model):
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def backward(model, tokens=8):
    ids = torch.randint(3, 90, (2, tokens))
    model.zero_grad()
    model(input_ids=ids, labels=ids, use_cache=False).loss.backward()


def adamw_8bit(model):
    """With the states of embeddings in 32 bits, as `Trainer` has them (`trainer.py`, create_optimizer)."""
    optimizer = bitsandbytes.optim.AdamW8bit(parameters(model), lr=1e-5)
    bitsandbytes.optim.GlobalOptimManager.get_instance().initialize()  # knows parameters by their ids, which come again
    for module in model.modules():
        if isinstance(module, torch.nn.Embedding):
            bitsandbytes.optim.GlobalOptimManager.get_instance().register_module_override(module, "weight", {"optim_bits": 32})
    return optimizer


OPTIMIZERS = {
    "adamw": lambda model: torch.optim.AdamW(parameters(model), lr=1e-5, fused=True),
    "adamw-8bit": adamw_8bit,
    "sgd": lambda model: torch.optim.SGD(parameters(model), lr=1e-5),
    "sgd-momentum": lambda model: torch.optim.SGD(parameters(model), lr=1e-5, momentum=0.9),
    "adafactor": lambda model: Adafactor(parameters(model), lr=1e-5, relative_step=False, scale_parameter=False),
}


def state_bytes(name, model):
    """Tensors of the optimizer after its first step; one that several parameters share counts once."""
    optimizer = OPTIMIZERS[name](model)
    if name == "adamw-8bit":
        # Its kernels need a GPU; the states are made by PyTorch, before the first of them runs (`optimizer.py`, step).
        optimizer.check_overrides()
        for group_index, group in enumerate(optimizer.param_groups):
            for index, parameter in enumerate(group["params"]):
                if parameter.grad is not None:
                    optimizer.init_state(group, parameter, group_index, index)
    else:
        optimizer.step()
    held = {id(value): value for state in optimizer.state.values() for value in state.values() if isinstance(value, torch.Tensor)}
    return nbytes(held.values())


def full(config, dtype):
    model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype)).train()
    backward(model)
    gradients = [parameter.grad for parameter in parameters(model) if parameter.grad is not None]
    return {
        "parameters": nbytes(model.parameters()),
        "tensors": len(gradients),
        "gradients": nbytes(gradients),
        "optimizers": {name: state_bytes(name, model) for name in OPTIMIZERS},
    }


def lora(config, targets):
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    try:
        adapted = peft.get_peft_model(model, peft.LoraConfig(r=LORA_RANK, target_modules=targets))
    except ValueError as problem:
        return {"refused": re.split(r" *[{.]", str(problem))[0]}  # the names stand in no order
    adapters = parameters(adapted)
    return {"parameters": sum(p.numel() for p in adapters), "tensors": len(adapters), "bytes": nbytes(adapters)}


def quantized(config, double):
    """Bytes of weights loaded in NF4 through transformers, with all that bitsandbytes keeps beside them."""
    with tempfile.TemporaryDirectory() as directory:
        AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(directory)
        packing = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=double, bnb_4bit_compute_dtype=torch.bfloat16)
        model = AutoModelForCausalLM.from_pretrained(directory, quantization_config=packing, dtype=torch.bfloat16, device_map="cpu")
    saved = model.state_dict(keep_vars=True)
    held = [*model.parameters(), *(tensor for name, tensor in model.named_buffers() if name in saved)]
    for parameter in model.parameters():
        state = getattr(parameter, "quant_state", None)
        if state is not None:
            held += [state.absmax, state.code, *([state.offset, state.state2.absmax, state.state2.code] if state.nested else [])]
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in held}
    return sum(storages.values())


def nf4(config):
    try:
        return {"plain": quantized(config, False), "double": quantized(config, True)}
    except Exception as problem:  # whatever the libraries raise for a model that they cannot pack
        return {"refused": f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}"[:150]}


def row(model_type):
    try:
        config = tiny_config(model_type)
        return {
            "modelType": model_type,
            "full": {dtype: full(config, dtype) for dtype in DTYPES},
            "nf4": nf4(config),
            "lora": {name: lora(config, targets) for name, targets in LORA_TARGETS.items()},
        }
    except Exception as problem:  # whatever the library raises for a model that it cannot train like this
        return {"modelType": model_type, "refused": f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}"[:150]}


def asked_types():
    listed = [*MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, *TEXT_MODELS]
    return [name for name in dict.fromkeys(listed) if name not in LEFT_OUT and name not in {*ENCODERS, *ENCODER_DECODERS} and name in CONFIG_MAPPING]


def main():
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    print(json.dumps({"python": sys.version.split()[0], **{m.__name__: m.__version__ for m in (torch, transformers, peft, bitsandbytes)}}))
    for model_type in sys.argv[1:] or asked_types():
        print(json.dumps(row(model_type)), flush=True)


main()
