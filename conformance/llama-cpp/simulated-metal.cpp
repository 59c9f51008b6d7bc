#include "simulated-rules.h"

#include "ggml-impl.h"
#include "ggml-metal-common.h"
#include "ggml-metal-device.h"
#include "ggml-metal-fusion.h"
#include "ggml-metal-impl.h"
#include "ggml-metal-ops.h"

#include <algorithm>
#include <cassert>
#include <cstring>

// What the engine's own rules for Metal, which are included below, need of Metal. How it reorders nodes and which of them it
// computes in one stand in files that need nothing of it: they are compiled as they are.

// Any Apple GPU since the M1 (family Apple7): ggml_metal_device_init of ggml-metal-device.m gives all of them these. The
// tensor API, which only those since the M5 have, changes no size and no support of an operation.
static ggml_metal_device_props props_of_device() {
    ggml_metal_device_props props = {};
    props.has_simdgroup_reduction   = true;
    props.has_simdgroup_mm          = true;
    props.has_unified_memory        = true;
    props.has_bfloat                = true;
    props.use_shared_buffers        = true;
    props.op_offload_min_batch_size = 32;
    return props;
}

struct ggml_metal_device { ggml_metal_device_props props = props_of_device(); };
static ggml_metal_device device_of_all;
const ggml_metal_device_props * ggml_metal_device_get_props(ggml_metal_device_t device) { return &device->props; }

// A backend reorders unless the environment says otherwise.
static void ggml_metal_graph_optimize(void *, ggml_cgraph * graph) { ggml_graph_optimize(graph); }
using ggml_metal_t = void *;

// Asked where nodes are encoded only.
ggml_metal_buffer_id ggml_metal_buffer_get_id(ggml_metal_buffer_t, const ggml_tensor *) { return {}; }

#include "metal-rules.inc"

static bool supports_op(ggml_backend_dev_t, const ggml_tensor * op) { return ggml_metal_device_supports_op(&device_of_all, op); }

static bool offload_op(ggml_backend_dev_t, const ggml_tensor * op) {
    ggml_backend_device device = {};
    device.context = &device_of_all;
    return ggml_backend_metal_device_offload_op(&device, op);
}

const backend_rules METAL_RULES = {
    /*.alignment        =*/ 32, // ggml_backend_metal_buffer_type_shared_get_alignment
    /*.has_host_buffers =*/ false,
    /*.maps_host_memory =*/ true,
    // max_buffer_size is Metal's maxBufferLength, three quarters of the memory that Metal recommends to use: an M2 Ultra of
    // 192 GiB says 108 of 144 GiB.
    /*.largest_buffer   =*/ [](size_t memory) { return memory / 4 * 3; },
    /*.bytes_in_buffer  =*/ ggml_backend_metal_buffer_type_get_alloc_size,
    /*.supports_op      =*/ supports_op,
    /*.offload_op       =*/ offload_op,
    /*.graph_optimize   =*/ ggml_backend_metal_graph_optimize,
};
