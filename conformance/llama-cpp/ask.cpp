// Asks llama.cpp what it would allocate for a model and a context, without allocating it (no_alloc), and prints the
// answer as one JSON line: bytes per buffer type, split into model, context (KV and recurrent state) and compute (beside it
// what the engine measures without allocating), and the bytes of the output buffer.
//
//   ask -m model.gguf [option ...]
//
//   the context        -c N, -b N, -ub N, -np N, -kvu, -ctk TYPE, -ctv TYPE, -fa on|off|auto, --swa-full, --rs-seq N,
//                      --embeddings, --mtp-context, --outputs N, --no-op-offload
//   where things go    --gpus BYTES,... (simulated devices GPU0, GPU1, ... of that much memory), --gpu-kind cuda|metal,
//                      -ngl N, -ts N,..., -sm none|layer|row|tensor, -mg N, -ot PATTERN=BUFFER, -nkvo, --no-host
//   how it is loaded   --mtp, --mmap and --repack (which load it for real), --virtual, --other model.gguf
//   what is printed    --tensors: the tensors too, as [name, type, dimensions]; --work N: the work buffer that a CPU of N
//                      threads makes for the worst-case prompt graph; --graph FILE: that graph, one line for each leaf and
//                      node (see write_graph)
//
// --virtual: the file holds keys alone; the tensors are those that the architecture would ask such a file for.
// --other: the model that this one drafts for, virtual as well; its memory is not counted.
// A model or a context that llama.cpp refuses gives {"refused": "<the last line it logged>"} and exit code 0.
#include "ggml-backend-impl.h"
#include "ggml-cpu.h"
#include "ggml-impl.h"
#include "gguf.h"
#include "llama.h"
#include "llama-context.h"
#include "llama-ext.h"
#include "llama-model.h"
#include "simulated-gpu.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

static std::string last_problem;

static void on_log(ggml_log_level level, const char * text, void *) {
    if (level == GGML_LOG_LEVEL_ERROR || level == GGML_LOG_LEVEL_WARN) last_problem = text;
}

static ggml_type type_named(const std::string & name) {
    for (int i = 0; i < GGML_TYPE_COUNT; i++) {
        const char * known = ggml_type_name((ggml_type) i);
        if (known && name == known) return (ggml_type) i;
    }
    fprintf(stderr, "unknown cache type %s\n", name.c_str());
    exit(2);
}

static llama_flash_attn_type flash_attention_named(const std::string & name) {
    if (name == "on") return LLAMA_FLASH_ATTN_TYPE_ENABLED;
    if (name == "off") return LLAMA_FLASH_ATTN_TYPE_DISABLED;
    return LLAMA_FLASH_ATTN_TYPE_AUTO;
}

static std::vector<std::string> split(const std::string & list) {
    std::vector<std::string> parts;
    std::stringstream stream(list);
    for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
    return parts;
}

static llama_split_mode split_mode_named(const std::string & name) {
    if (name == "none") return LLAMA_SPLIT_MODE_NONE;
    if (name == "row") return LLAMA_SPLIT_MODE_ROW;
    if (name == "tensor") return LLAMA_SPLIT_MODE_TENSOR;
    return LLAMA_SPLIT_MODE_LAYER;
}

// common/arg.cpp, parse_tensor_buffer_overrides: the default buffers of a device, by name.
static ggml_backend_buffer_type_t buffers_named(const std::string & name) {
    for (size_t i = 0; i < ggml_backend_dev_count(); i++) {
        ggml_backend_buffer_type_t type = ggml_backend_dev_buffer_type(ggml_backend_dev_get(i));
        if (type && name == ggml_backend_buft_name(type)) return type;
    }
    fprintf(stderr, "no buffers named %s\n", name.c_str());
    exit(2);
}

static ggml_cgraph * prompt_graph(llama_context * context) {
    const uint32_t tokens = std::min(llama_n_ctx(context), llama_n_ubatch(context));
    return llama_graph_reserve(context, tokens, llama_n_seq_max(context), tokens);
}

static size_t work_bytes(llama_context * context, int threads) {
    return ggml_graph_plan(prompt_graph(context), threads, nullptr).work_size;
}

static void write_four(FILE * file, const int64_t * values) {
    fprintf(file, "\t%lld,%lld,%lld,%lld", (long long) values[0], (long long) values[1], (long long) values[2], (long long) values[3]);
}

// Tab-separated: which one (L0, L1, ... for leafs, N0, N1, ... for nodes), operation, type, elements, strides, whether it is
// input (1) or output (2) or both (3), what it is a view of, its sources, and the name of a weight.
static void write_graph(const ggml_cgraph * graph, const std::string & path) {
    FILE * file = fopen(path.c_str(), "w");
    if (!file) { fprintf(stderr, "cannot write %s\n", path.c_str()); exit(2); }
    std::map<const ggml_tensor *, std::string> ids;
    for (int i = 0; i < graph->n_leafs; i++) ids[graph->leafs[i]] = "L" + std::to_string(i);
    for (int i = 0; i < graph->n_nodes; i++) ids[graph->nodes[i]] = "N" + std::to_string(i);
    auto write = [&](const ggml_tensor * tensor) {
        const int64_t strides[4] = { (int64_t) tensor->nb[0], (int64_t) tensor->nb[1], (int64_t) tensor->nb[2], (int64_t) tensor->nb[3] };
        fprintf(file, "%s\t%s\t%s", ids[tensor].c_str(), ggml_op_name(tensor->op), ggml_type_name(tensor->type));
        write_four(file, tensor->ne);
        write_four(file, strides);
        fprintf(file, "\t%d\t%s\t", tensor->flags & 3, tensor->view_src ? ids[tensor->view_src].c_str() : "");
        const char * separator = "";
        for (const ggml_tensor * source : tensor->src) {
            if (!source) continue;
            fprintf(file, "%s%s", separator, ids[source].c_str());
            separator = ",";
        }
        const bool is_weight = tensor->buffer && tensor->buffer->usage == GGML_BACKEND_BUFFER_USAGE_WEIGHTS;
        fprintf(file, "\t%s\n", is_weight ? tensor->name : "");
    };
    for (int i = 0; i < graph->n_leafs; i++) write(graph->leafs[i]);
    for (int i = 0; i < graph->n_nodes; i++) write(graph->nodes[i]);
    fclose(file);
}

// As they lie in the file, which a Metal device maps.
static void place_weights(const llama_model & model, const std::string & path) {
    gguf_context * file = gguf_init_from_file(path.c_str(), { /*.no_alloc =*/ true, /*.ctx =*/ nullptr });
    for (const auto & [name, tensor] : model.tensors_by_name) {
        const int64_t index = gguf_find_tensor(file, name.c_str());
        if (index >= 0) tensor->data = reinterpret_cast<void *>(4096 + gguf_get_data_offset(file) + gguf_get_tensor_offset(file, index));
    }
    gguf_free(file);
}

static ggml_backend_buffer_t (*allocate_on_host)(ggml_backend_buffer_type_t, size_t);

// Caches are filled with zeros when they are made, which would take their memory.
static void leave_host_buffers_untouched() {
    ggml_backend_buffer_type_t host = ggml_backend_cpu_buffer_type();
    allocate_on_host = host->iface.alloc_buffer;
    host->iface.alloc_buffer = [](ggml_backend_buffer_type_t type, size_t size) {
        ggml_backend_buffer_t buffer = allocate_on_host(type, size);
        if (buffer) buffer->iface.clear = [](ggml_backend_buffer_t, uint8_t) {};
        return buffer;
    };
}

// With no_alloc the engine measures the prompt's graph alone, and by then has forgotten which nodes it keeps on a device
// (ggml_backend_sched_reserve_size resets the scheduler). Reserved for real, buffers are as large as in use. What is not
// touched takes no memory. Metal reorders nodes by which memory they read and write: there the weights and the caches have to
// have theirs as well, and so it takes a second context. Gives back what was measured: a tensor that has its memory counts no more.
static llama_memory_breakdown reserve_for_real(
        llama_model * model, llama_context * context, gpu_kind kind, const std::string & path, const llama_context_params & params) {
    const llama_memory_breakdown measured = llama_get_memory_breakdown(context);
    const bool no_alloc = model->hparams.no_alloc;
    model->hparams.no_alloc = false;
    if (kind == gpu_kind::metal) {
        leave_host_buffers_untouched();
        place_weights(*model, path);
        llama_context * real = llama_init_from_model(model, params);
        if (!real) { fprintf(stderr, "%s", last_problem.c_str()); exit(2); }
        context->backend_buf_exp_size = real->backend_buf_exp_size;
        llama_free(real);
    } else {
        context->sched_need_reserve = true;
        context->sched_reserve();
    }
    model->hparams.no_alloc = no_alloc;
    return measured;
}

static void print_tensors(const llama_model & model) {
    printf(",\"tensors\":[");
    std::set<std::string> seen; // copies have the name of their original
    for (const auto & [name, tensor] : model.tensors_by_name) {
        if (!seen.insert(name).second) continue;
        printf("%s[\"%s\",\"%s\",[", seen.size() == 1 ? "" : ",", name.c_str(), ggml_type_name(tensor->type));
        for (int i = 0; i < ggml_n_dims(tensor); i++) printf("%s%lld", i ? "," : "", (long long) tensor->ne[i]);
        printf("]]");
    }
    printf("]");
}

// Nothing is allocated, so there is no data to fill in.
static void leave_as_is(ggml_tensor *, void *) {}

static llama_model * load(const std::string & path, bool is_virtual, const llama_model_params & params) {
    if (!is_virtual) return llama_model_load_from_file(path.c_str(), params);
    const gguf_init_params keys_only = { /*.no_alloc =*/ true, /*.ctx =*/ nullptr };
    gguf_context * keys = gguf_init_from_file(path.c_str(), keys_only);
    if (!keys) { fprintf(stderr, "cannot read %s\n", path.c_str()); exit(2); }
    return llama_model_init_from_user(keys, leave_as_is, nullptr, params);
}

static void print_refused() {
    std::string text;
    for (char c : last_problem) {
        if (c == '"' || c == '\\') text += '\\';
        if (c != '\n') text += c;
    }
    printf("{\"refused\":\"%s\"}\n", text.c_str());
}

int main(int argc, char ** argv) {
    std::string path;
    std::string other_path;
    bool is_virtual = false;
    bool prints_tensors = false;
    int work_threads = 0;
    std::string graph_path;
    bool maps = false;
    bool repacks = false;
    gpu_kind kind = gpu_kind::cuda;
    std::vector<size_t> gpu_memory;
    std::vector<float> tensor_split;
    std::vector<std::pair<std::string, std::string>> overrides;
    llama_model_params   model_params   = llama_model_default_params();
    llama_context_params context_params = llama_context_default_params();
    context_params.swa_full        = false; // as the command-line tools; the C API's own default is true
    context_params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_AUTO;
    for (int i = 1; i < argc; i++) {
        const std::string option = argv[i];
        auto value = [&]() -> std::string {
            if (i + 1 >= argc) { fprintf(stderr, "%s needs a value\n", option.c_str()); exit(2); }
            return argv[++i];
        };
        if      (option == "-m")         path = value();
        else if (option == "--virtual")  is_virtual = true;
        else if (option == "--other")    other_path = value();
        else if (option == "-c")         context_params.n_ctx           = std::stoul(value());
        else if (option == "-b")         context_params.n_batch         = std::stoul(value());
        else if (option == "-ub")        context_params.n_ubatch        = std::stoul(value());
        else if (option == "-np")        context_params.n_seq_max       = std::stoul(value());
        else if (option == "-kvu")       context_params.kv_unified      = true;
        else if (option == "-ctk")       context_params.type_k          = type_named(value());
        else if (option == "-ctv")       context_params.type_v          = type_named(value());
        else if (option == "-fa")        context_params.flash_attn_type = flash_attention_named(value());
        else if (option == "--swa-full") context_params.swa_full        = true;
        else if (option == "--rs-seq")   context_params.n_rs_seq        = std::stoul(value());
        else if (option == "--embeddings") context_params.embeddings    = true;
        else if (option == "--mtp-context") context_params.ctx_type     = LLAMA_CONTEXT_TYPE_MTP;
        else if (option == "-nkvo")      context_params.offload_kqv     = false;
        else if (option == "-ngl")       model_params.n_gpu_layers      = std::stoi(value());
        else if (option == "-sm")        model_params.split_mode        = split_mode_named(value());
        else if (option == "-mg")        model_params.main_gpu          = std::stoi(value());
        else if (option == "--no-host")  model_params.no_host           = true;
        else if (option == "--mtp")      model_params.load_mtp          = true;
        else if (option == "--mmap")     maps = true;
        else if (option == "--repack")   repacks = true;
        else if (option == "--tensors")  prints_tensors = true;
        else if (option == "--graph")    graph_path = value();
        else if (option == "--no-op-offload") context_params.op_offload = false;
        else if (option == "--outputs")  context_params.n_outputs_max   = std::stoul(value());
        else if (option == "--work")     work_threads = std::stoi(value());
        else if (option == "--gpu-kind") kind = value() == "metal" ? gpu_kind::metal : gpu_kind::cuda;
        else if (option == "--gpus")     for (const auto & bytes : split(value())) gpu_memory.push_back(std::stoull(bytes));
        else if (option == "-ts")        for (const auto & share : split(value())) tensor_split.push_back(std::stof(share));
        else if (option == "-ot") {
            const std::string text = value();
            const size_t equals = text.rfind('=');
            overrides.emplace_back(text.substr(0, equals), text.substr(equals + 1));
        }
        else { fprintf(stderr, "unknown option %s\n", option.c_str()); return 2; }
    }

    llama_log_set(on_log, nullptr);
    llama_backend_init();
    add_simulated_gpus(kind, gpu_memory);
    if (gpu_memory.empty()) model_params.n_gpu_layers = 0;
    model_params.no_alloc        = !maps; // the engine maps no file that it does not load
    model_params.load_mode       = maps ? LLAMA_LOAD_MODE_MMAP : LLAMA_LOAD_MODE_NONE;
    model_params.load_mtp       |= is_virtual; // tensors that are to be left out cannot be made up; caches are the same
    model_params.use_extra_bufts = repacks;    // which types are repacked depends on this CPU
    tensor_split.resize(std::max<size_t>(tensor_split.size(), llama_max_devices()));
    model_params.tensor_split    = tensor_split.data(); // all zero: by free memory
    std::vector<llama_model_tensor_buft_override> buffer_overrides;
    for (const auto & [pattern, buffers] : overrides) buffer_overrides.push_back({ pattern.c_str(), buffers_named(buffers) });
    buffer_overrides.push_back({ nullptr, nullptr });
    model_params.tensor_buft_overrides = buffer_overrides.data();
    llama_model * other = nullptr;
    if (!other_path.empty()) {
        other = load(other_path, true, model_params);
        context_params.ctx_other = other ? llama_init_from_model(other, context_params) : nullptr;
        if (!context_params.ctx_other) { print_refused(); return 0; }
    }
    llama_model * model = load(path, is_virtual, model_params);
    if (!model) { print_refused(); return 0; }
    llama_context * context = llama_init_from_model(model, context_params);
    if (!context) { print_refused(); return 0; }

    llama_memory_breakdown measured = reserve_for_real(model, context, kind, path, context_params);
    printf("{\"contextTokens\":%u,\"sequenceTokens\":%u,\"outputBytes\":%zu", llama_n_ctx(context), llama_n_ctx_seq(context),
           ggml_backend_buffer_get_size(context->buf_output.get()));
    if (prints_tensors) print_tensors(*model);
    if (!graph_path.empty()) write_graph(prompt_graph(context), graph_path);
    if (work_threads > 0) printf(",\"workBytes\":%zu", work_bytes(context, work_threads));
    printf(",\"buffers\":{");
    const char * separator = "";
    for (const auto & [type, bytes] : llama_get_memory_breakdown(context)) {
        const auto & before = measured[type];
        printf("%s\"%s\":{\"model\":%zu,\"context\":%zu,\"compute\":%zu,\"measured\":%zu}", separator, ggml_backend_buft_name(type),
               before.model, before.context, bytes.compute, before.compute);
        separator = ",";
    }
    printf("}}\n");
    llama_free(context);
    llama_model_free(model);
    if (other) {
        llama_free(context_params.ctx_other);
        llama_model_free(other);
    }
    return 0;
}
