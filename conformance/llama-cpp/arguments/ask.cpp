// Parses a command line as llama.cpp's programs do, and prints what came of it as JSON. Loads and downloads nothing.
//   ask llama-server -m model.gguf -c 8192 ...
#include "arg.h"

#include <cstdio>
#include <string>

static std::string quoted(const std::string & text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '\\' || c == '"') result += '\\';
        result += c;
    }
    return result + "\"";
}

int main(int argc, char ** argv) {
    if (argc < 2) return 2;
    const bool is_server = std::string(argv[1]) == "llama-server";
    common_params params;
    // A client of another server loads no model: nothing is looked for.
    if (!is_server) params.server_base = "none";
    if (!common_params_parse(argc - 1, argv + 1, params, is_server ? LLAMA_EXAMPLE_SERVER : LLAMA_EXAMPLE_CLI)) {
        printf("{\"refused\":true}\n");
        return 0;
    }
    printf("{\"n_ctx\":%d,\"n_batch\":%d,\"n_ubatch\":%d,\"n_parallel\":%d,\"kv_unified\":%s,\"n_gpu_layers\":%d",
           params.n_ctx, params.n_batch, params.n_ubatch, params.n_parallel, params.kv_unified ? "true" : "false",
           params.n_gpu_layers);
    printf(",\"split_mode\":%d,\"main_gpu\":%d,\"tensor_split\":[%g,%g,%g,%g]", (int) params.split_mode, params.main_gpu,
           params.tensor_split[0], params.tensor_split[1], params.tensor_split[2], params.tensor_split[3]);
    printf(",\"no_kv_offload\":%s,\"no_op_offload\":%s,\"no_host\":%s,\"swa_full\":%s,\"embedding\":%s",
           params.no_kv_offload ? "true" : "false", params.no_op_offload ? "true" : "false",
           params.no_host ? "true" : "false", params.swa_full ? "true" : "false", params.embedding ? "true" : "false");
    printf(",\"cache_type_k\":%s,\"cache_type_v\":%s,\"flash_attn\":%d,\"draft_n_max\":%d,\"overrides\":[",
           quoted(ggml_type_name(params.cache_type_k)).c_str(), quoted(ggml_type_name(params.cache_type_v)).c_str(),
           (int) params.flash_attn_type, params.speculative.draft.n_max);
    bool first = true;
    for (const auto & rule : params.tensor_buft_overrides) {
        if (rule.pattern == nullptr) break;
        printf("%s%s", first ? "" : ",", quoted(rule.pattern).c_str());
        first = false;
    }
    printf("]}\n");
}
