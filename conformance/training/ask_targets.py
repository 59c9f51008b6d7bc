"""Prints as JSON which modules peft adapts where it is told none, by model_type: a list of ends of names, or a pattern of whole names;
and for which model_types, by what names of the experts' matrices, it adapts stacked experts.

    python conformance/training/ask_targets.py
"""

import json

import peft
from peft.utils import transformers_weight_conversion as conversion
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as TARGETS

stacked = {
    model_type: conversion._MOE_TARGET_MODULE_MAPPING[pattern]
    for model_type, pattern in sorted(conversion._MODEL_TO_CONVERSION_PATTERN.items())
    if pattern in conversion._MOE_FUSED_TARGETS
}
print(json.dumps({"version": peft.__version__, "targets": TARGETS, "stacked": stacked}))
