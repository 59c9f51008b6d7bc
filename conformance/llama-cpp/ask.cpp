// Asks llama.cpp what it would allocate for a model and a context, without allocating it (no_alloc), and prints the
// answer as one JSON line: bytes per buffer type, split into model, context (KV and recurrent state) and compute.
//
//   ask -m model.gguf [--virtual] [--other model.gguf] [-c N] [-b N] [-ub N] [-np N] [-kvu] [-ctk TYPE] [-ctv TYPE] [-fa on|off|auto] [--swa-full]
//
// --virtual: the file holds keys alone; the tensors are those that the architecture would ask such a file for.
// --other: the model that this one drafts for, virtual as well; its memory is not counted.
// A model or a context that llama.cpp refuses gives {"refused": "<the last line it logged>"} and exit code 0.
#include "gguf.h"
#include "llama.h"
#include "llama-ext.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

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
        else { fprintf(stderr, "unknown option %s\n", option.c_str()); return 2; }
    }

    llama_log_set(on_log, nullptr);
    llama_backend_init();
    model_params.n_gpu_layers    = 0;
    model_params.no_alloc        = true;
    model_params.load_mode       = LLAMA_LOAD_MODE_NONE; // no mmap: buffers then hold exactly the tensors
    model_params.load_mtp        = is_virtual; // tensors that are to be left out cannot be made up; caches are the same
    model_params.use_extra_bufts = false;                // no repacking: sizes then do not depend on this CPU
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

    printf("{\"contextTokens\":%u,\"sequenceTokens\":%u,\"buffers\":{", llama_n_ctx(context), llama_n_ctx_seq(context));
    const char * separator = "";
    for (const auto & [type, bytes] : llama_get_memory_breakdown(context)) {
        printf("%s\"%s\":{\"model\":%zu,\"context\":%zu,\"compute\":%zu}", separator, ggml_backend_buft_name(type), bytes.model,
               bytes.context, bytes.compute);
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
