#include "simulated-gpu.h"

#include "simulated-rules.h"

#include "ggml-backend.h"
#include "ggml-impl.h"

#include <memory>
#include <string>
#include <vector>

namespace {

struct gpu : simulated_device {
    std::string              name;
    const backend_rules *    rules       = nullptr;
    ggml_backend_buffer_type buffer_type = {};
    ggml_backend_device      device      = {};
};

std::vector<std::unique_ptr<gpu>> gpus;
ggml_backend_reg                  registry;
ggml_backend_buffer_type          pinned; // CUDA_Host: memory of the host that a GPU can read directly

gpu & of(ggml_backend_dev_t device) { return *static_cast<gpu *>(device->context); }
gpu & of(ggml_backend_buffer_type_t type) { return *static_cast<gpu *>(type->context); }

// Buffers. llama.cpp makes empty ones and gives tensors in them no data.

void   free_buffer(ggml_backend_buffer_t) {}
void * buffer_base(ggml_backend_buffer_t buffer) { return buffer->size == 0 ? nullptr : reinterpret_cast<void *>(4096); }
void   set_memory(ggml_backend_buffer_t, ggml_tensor *, uint8_t, size_t, size_t) {}
void   set_data(ggml_backend_buffer_t, ggml_tensor *, const void *, size_t, size_t) {}
void   get_data(ggml_backend_buffer_t, const ggml_tensor *, void *, size_t, size_t) {}
void   clear_buffer(ggml_backend_buffer_t, uint8_t) {}

ggml_backend_buffer_t allocate(ggml_backend_buffer_type_t type, size_t size) {
    ggml_backend_buffer_i calls = {};
    calls.free_buffer   = free_buffer;
    calls.get_base      = buffer_base;
    calls.memset_tensor = set_memory;
    calls.set_tensor    = set_data;
    calls.get_tensor    = get_data;
    calls.clear         = clear_buffer;
    return ggml_backend_buffer_init(type, calls, type->context, size);
}

const char * type_name(ggml_backend_buffer_type_t type) { return of(type).name.c_str(); }
size_t       alignment(ggml_backend_buffer_type_t type) { return of(type).rules->alignment; }
size_t       largest_buffer(ggml_backend_buffer_type_t type) { return of(type).rules->largest_buffer(of(type).memory); }
size_t       size_in_buffer(ggml_backend_buffer_type_t type, const ggml_tensor * tensor) { return of(type).rules->bytes_in_buffer(type, tensor); }

const char * pinned_name(ggml_backend_buffer_type_t) { return "Pinned"; }

ggml_backend_buffer_t allocate_pinned(ggml_backend_buffer_type_t type, size_t size) {
    ggml_backend_buffer_t buffer = ggml_backend_buft_alloc_buffer(ggml_backend_cpu_buffer_type(), size);
    if (buffer) buffer->buft = type;
    return buffer;
}

// Backends. Graphs are planned on them and never run.

ggml_guid_t guid() {
    static ggml_guid id = { 0x5e };
    return &id;
}

const char * backend_name(ggml_backend_t backend) { return static_cast<gpu *>(backend->context)->name.c_str(); }
void         free_backend(ggml_backend_t backend) { delete backend; }
void         synchronize(ggml_backend_t) {}
void         use_event(ggml_backend_t, ggml_backend_event_t) {}
ggml_status  compute(ggml_backend_t, ggml_cgraph *) { return GGML_STATUS_SUCCESS; }

void optimize(ggml_backend_t backend, ggml_cgraph * graph, ggml_backend_graph_optimize_params * params) {
    static_cast<gpu *>(backend->context)->rules->graph_optimize(backend, graph, params);
}

ggml_backend_t start(ggml_backend_dev_t device, const char *) {
    ggml_backend_i calls = {};
    calls.get_name      = backend_name;
    calls.free          = free_backend;
    calls.synchronize   = synchronize;
    calls.graph_compute = compute;
    calls.event_record  = use_event;
    calls.event_wait    = use_event;
    calls.graph_optimize = optimize;
    return new ggml_backend{ guid(), calls, device, device->context };
}

// Devices.

const char * device_name(ggml_backend_dev_t device) { return of(device).name.c_str(); }
void         device_memory(ggml_backend_dev_t device, size_t * free, size_t * total) { *free = *total = of(device).memory; }
enum ggml_backend_dev_type device_type(ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_GPU; }
ggml_backend_buffer_type_t device_buffers(ggml_backend_dev_t device) { return &of(device).buffer_type; }
ggml_backend_buffer_type_t host_buffers(ggml_backend_dev_t device) {
    return of(device).rules->has_host_buffers ? &pinned : nullptr;
}

void device_props(ggml_backend_dev_t device, ggml_backend_dev_props * props) {
    *props = {};
    props->name        = device_name(device);
    props->description = device_name(device);
    props->type        = GGML_BACKEND_DEVICE_TYPE_GPU;
    device_memory(device, &props->memory_free, &props->memory_total);
    props->caps.async                = true;
    props->caps.host_buffer          = of(device).rules->has_host_buffers;
    props->caps.buffer_from_host_ptr = of(device).rules->maps_host_memory;
    props->caps.events               = true;
    props->caps.mmap_support         = true;
}

bool supports_op(ggml_backend_dev_t device, const ggml_tensor * op) { return of(device).rules->supports_op(device, op); }
bool wants_op(ggml_backend_dev_t device, const ggml_tensor * op) { return of(device).rules->offload_op(device, op); }

bool supports_buffers(ggml_backend_dev_t device, ggml_backend_buffer_type_t type) {
    return is_simulated(type) && type->device == device;
}

ggml_backend_event_t new_event(ggml_backend_dev_t device) { return new ggml_backend_event{ device, nullptr }; }
void                 free_event(ggml_backend_dev_t, ggml_backend_event_t event) { delete event; }
void                 await_event(ggml_backend_dev_t, ggml_backend_event_t) {}

ggml_backend_device_i device_calls() {
    ggml_backend_device_i calls = {};
    calls.get_name             = device_name;
    calls.get_description      = device_name;
    calls.get_memory           = device_memory;
    calls.get_type             = device_type;
    calls.get_props            = device_props;
    calls.init_backend         = start;
    calls.get_buffer_type      = device_buffers;
    calls.get_host_buffer_type = host_buffers;
    calls.supports_op          = supports_op;
    calls.supports_buft        = supports_buffers;
    calls.offload_op           = wants_op;
    calls.event_new            = new_event;
    calls.event_free           = free_event;
    calls.event_synchronize    = await_event;
    return calls;
}

const char *       registry_name(ggml_backend_reg_t) { return "simulated"; }
size_t             device_count(ggml_backend_reg_t) { return gpus.size(); }
ggml_backend_dev_t device_at(ggml_backend_reg_t, size_t index) { return &gpus[index]->device; }
void *             no_extension(ggml_backend_reg_t, const char *) { return nullptr; }

} // namespace

bool is_simulated(ggml_backend_buffer_type_t type) { return type->iface.get_name == type_name; }

void add_simulated_gpus(gpu_kind kind, const std::vector<size_t> & memory) {
    if (memory.empty()) return;
    for (const size_t bytes : memory) {
        auto added = std::make_unique<gpu>();
        static_cast<simulated_device &>(*added).device = (int) gpus.size();
        added->name           = "GPU" + std::to_string(gpus.size());
        added->memory         = bytes;
        added->rules          = kind == gpu_kind::cuda ? &CUDA_RULES : &METAL_RULES;
        added->device.iface   = device_calls();
        added->device.reg     = &registry;
        added->device.context = added.get();
        added->buffer_type.iface.get_name       = type_name;
        added->buffer_type.iface.alloc_buffer   = allocate;
        added->buffer_type.iface.get_alignment  = alignment;
        added->buffer_type.iface.get_max_size   = largest_buffer;
        added->buffer_type.iface.get_alloc_size = size_in_buffer;
        added->buffer_type.device  = &added->device;
        added->buffer_type.context = added.get();
        gpus.push_back(std::move(added));
    }
    pinned       = *ggml_backend_cpu_buffer_type();
    pinned.iface.get_name     = pinned_name;
    pinned.iface.alloc_buffer = allocate_pinned;
    pinned.device             = &gpus[0]->device;
    registry.api_version            = GGML_BACKEND_API_VERSION;
    registry.iface.get_name         = registry_name;
    registry.iface.get_device_count = device_count;
    registry.iface.get_device       = device_at;
    registry.iface.get_proc_address = no_extension;
    ggml_backend_register(&registry);
}
