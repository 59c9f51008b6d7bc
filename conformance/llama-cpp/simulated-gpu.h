// GPUs that exist in name only: devices that answer what llama.cpp asks about sizes, by the rules of a real backend.
// Nothing is ever allocated on them, so they are for no_alloc loads alone.
#pragma once

#include <cstddef>
#include <vector>

enum class gpu_kind { cuda, metal };

// Registers one device per entry of `memory`, in bytes and all of it free, named GPU0, GPU1, ...
void add_simulated_gpus(gpu_kind kind, const std::vector<size_t> & memory);
