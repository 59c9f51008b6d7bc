// What the engine's own backends decide of sizes and of where nodes are computed: of each kind of device the constants and
// functions that its source has.
#pragma once

#include "ggml-backend-impl.h"

#include <cstddef>

// Devices and their buffers have a context that begins with this.
struct simulated_device {
    int    device = 0;
    int    op_offload_min_batch_size = 32;
    size_t memory = 0;
};

struct backend_rules {
    size_t alignment;
    bool   has_host_buffers;
    bool   maps_host_memory;
    // Largest buffer that a device of so much memory hands out.
    size_t (*largest_buffer)(size_t memory);
    size_t (*bytes_in_buffer)(ggml_backend_buffer_type_t type, const ggml_tensor * tensor);
    bool   (*supports_op)(ggml_backend_dev_t device, const ggml_tensor * op);
    bool   (*offload_op)(ggml_backend_dev_t device, const ggml_tensor * op);
    void   (*graph_optimize)(ggml_backend_t backend, ggml_cgraph * graph, ggml_backend_graph_optimize_params * params);
};

extern const backend_rules CUDA_RULES;
extern const backend_rules METAL_RULES;

// True for buffers of a simulated GPU; the pinned memory of the host is none.
bool is_simulated(ggml_backend_buffer_type_t type);
