// Asks llama.cpp's libmtmd what it would allocate for a projector file, without its data (no_alloc), and prints the answer
// as one JSON line: of each encoder the buffer of its weights, and what the graph of its warm-up input takes on each device.
//
//   ask-projector -m mmproj.gguf [--gpus BYTES] [--gpu-kind cuda|metal] [--no-offload] [-fa on|off|auto]
//
// A file that libmtmd refuses gives {"refused": "<the last line it logged>"} and exit code 0.
#include "clip.cpp" // its contexts are private to it
#include "simulated-gpu.h"

#include <cstdio>
#include <cstdlib>
#include <string>

static std::string last_problem;

static void on_log(ggml_log_level level, const char * text, void *) {
    if (level == GGML_LOG_LEVEL_ERROR) last_problem = text;
}

static void print_refused() {
    std::string text;
    for (char c : last_problem) {
        if (c == '"' || c == '\\') text += '\\';
        if (c != '\n') text += c;
    }
    printf("{\"refused\":\"%s\"}\n", text.c_str());
}

static const char * separator = "{";

static void print_encoder(const char * name, const clip_ctx * encoder) {
    if (!encoder) return;
    printf("%s\"%s\":{\"device\":\"%s\",\"weightBytes\":%zu,\"computeBytes\":{", separator, name,
           ggml_backend_dev_name(ggml_backend_get_device(encoder->backend)), ggml_backend_buffer_get_size(encoder->buf.get()));
    const char * comma = "";
    for (const auto & [device, bytes] : encoder->mem_compute) {
        printf("%s\"%s\":%zu", comma, ggml_backend_dev_name(device), bytes);
        comma = ",";
    }
    printf("}}");
    separator = ",";
}

int main(int argc, char ** argv) {
    std::string path;
    gpu_kind kind = gpu_kind::cuda;
    std::vector<size_t> gpu_memory;
    clip_context_params params = {};
    params.use_gpu         = true;
    params.flash_attn_type = CLIP_FLASH_ATTN_TYPE_AUTO;
    params.warmup          = true;
    params.no_alloc        = true;
    for (int i = 1; i < argc; i++) {
        const std::string option = argv[i];
        auto value = [&]() -> std::string {
            if (i + 1 >= argc) { fprintf(stderr, "%s needs a value\n", option.c_str()); exit(2); }
            return argv[++i];
        };
        if      (option == "-m")           path = value();
        else if (option == "--no-offload") params.use_gpu = false;
        else if (option == "--gpu-kind")   kind = value() == "metal" ? gpu_kind::metal : gpu_kind::cuda;
        else if (option == "--gpus")       gpu_memory.push_back(std::stoull(value()));
        else if (option == "-fa") {
            const std::string attention = value();
            params.flash_attn_type = attention == "on"    ? CLIP_FLASH_ATTN_TYPE_ENABLED
                                     : attention == "off" ? CLIP_FLASH_ATTN_TYPE_DISABLED
                                                          : CLIP_FLASH_ATTN_TYPE_AUTO;
        }
        else { fprintf(stderr, "unknown option %s\n", option.c_str()); return 2; }
    }
    ggml_log_set(on_log, nullptr);
    mtmd_log_set(on_log, nullptr);
    add_simulated_gpus(kind, gpu_memory);
    const clip_init_result encoders = clip_init(path.c_str(), params);
    if (!encoders.ctx_v && !encoders.ctx_a && !encoders.ctx_gen_a) { print_refused(); return 0; }
    print_encoder("vision", encoders.ctx_v);
    print_encoder("audio", encoders.ctx_a);
    print_encoder("generated audio", encoders.ctx_gen_a);
    printf("}\n");
    return 0;
}
