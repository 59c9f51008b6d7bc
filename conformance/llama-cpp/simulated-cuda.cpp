#include "simulated-rules.h"

#include "ggml-backend.h"
#include "ggml-impl.h"

#include <algorithm>
#include <cinttypes>
#include <cstring>
#include <memory>

// What the engine's own rules for CUDA, which are included below, need of CUDA: one device of compute capability 8.9, as
// all since it in what is asked here.

#define __host__
#define __device__
#define FLASH_ATTN_AVAILABLE
#define GGML_CUDA_USE_CUB // every build with CUDA 11.7 or newer
#define MATRIX_ROW_PADDING 512
#define QK_K 256
#define GGML_CUDA_CC_ADA_LOVELACE 890
#define GGML_CUDA_CC_IS_NVIDIA(cc) ((cc) < 1000)

struct ggml_backend_cuda_context;
using ggml_backend_cuda_device_context = simulated_device;
using ggml_backend_cuda_buffer_type_context = simulated_device;

struct cuda_device_info { struct { int cc = GGML_CUDA_CC_ADA_LOVELACE; } devices[16]; };
static const cuda_device_info & ggml_cuda_info() { static cuda_device_info info; return info; }
static bool turing_mma_available(int) { return true; }
static bool volta_mma_available(int) { return false; }
static bool amd_mfma_available(int) { return false; }
static bool amd_wmma_available(int) { return false; }
static bool ggml_backend_buft_is_cuda(ggml_backend_buffer_type_t type) { return is_simulated(type); }

template <int D, ggml_type K, ggml_type V> static void ggml_cuda_flash_attn_ext_vec_case(ggml_backend_cuda_context &, ggml_tensor *) {}

#include "cuda-rules.inc"

const backend_rules CUDA_RULES = {
    /*.alignment        =*/ 128, // ggml_backend_cuda_buffer_type_get_alignment
    /*.has_host_buffers =*/ true,
    /*.maps_host_memory =*/ false,
    /*.largest_buffer   =*/ [](size_t) { return SIZE_MAX; },
    /*.bytes_in_buffer  =*/ ggml_backend_cuda_buffer_type_get_alloc_size,
    /*.supports_op      =*/ ggml_backend_cuda_device_supports_op,
    /*.offload_op       =*/ ggml_backend_cuda_device_offload_op,
    /*.graph_optimize   =*/ ggml_backend_cuda_graph_optimize,
};
