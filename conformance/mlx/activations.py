"""Measures, on the CPU backend, the peak of memory beyond the weights while a prompt is read: a JSON line a prompt."""

import gc
import json
import sys

import mlx.core as mx
from mlx_lm.generate import generate_step
from mlx_lm.models.cache import make_prompt_cache

import ask
import tiny_configs

MODEL_TYPES = "llama qwen3 phi3 starcoder2 gemma3_text qwen3_moe deepseek_v3 falcon_h1 qwen3_next".split()
PROMPTS = [[257, 2048], [1025, 2048], [1025, 256]]


def peak(model_type, prompt, step, source):
    model = ask.set_dtype(ask.build(tiny_configs.tiny_config(model_type, source)), mx.float32)
    cache = make_prompt_cache(model)
    tokens = mx.array([index % 90 for index in range(prompt)])
    gc.collect()
    mx.clear_cache()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    for _ in generate_step(tokens, model, max_tokens=1, prompt_cache=cache, prefill_step_size=step):
        pass
    return mx.get_peak_memory() - before


def main():
    source = tiny_configs.rows()
    for model_type in sys.argv[1:] or MODEL_TYPES:
        for prompt, step in PROMPTS:
            held = peak(model_type, prompt, step, source)
            print(json.dumps({"modelType": model_type, "prompt": prompt, "step": step, "peak": held}), flush=True)


if __name__ == "__main__":
    main()
