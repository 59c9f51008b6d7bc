import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What the CUDA backend decides without a GPU: which operations it takes, how large a tensor is in its buffers, what it
 * keeps for operations that it computes in one. These functions are taken from the engine's source word for word, for the
 * simulated GPU to ask; what they need of CUDA itself stands in `simulated-gpu.cpp`.
 */
const FUNCTIONS: readonly (readonly [file: string, starts: readonly string[]])[] = [
  ["topk-moe.cuh", ["struct ggml_cuda_topk_moe_args {"]],
  ["topk-moe.cu", ["bool ggml_cuda_should_use_topk_moe("]],
  ["lightning-indexer.cu", ["bool ggml_cuda_lightning_indexer_supported("]],
  [
    "fattn-common.cuh",
    [
      "#define FATTN_KQ_STRIDE ",
      "struct ggml_cuda_flash_attn_ext_f16_extra_data {",
      "static inline ggml_cuda_flash_attn_ext_f16_extra_data ggml_cuda_flash_attn_ext_get_f16_extra_data(",
    ],
  ],
  ["fattn-mma-f16.cuh", ["static constexpr __host__ __device__ bool ggml_cuda_flash_attn_ext_mma_f16_may_use_sparse("]],
  [
    "fattn.cu",
    [
      "bool ggml_cuda_flash_attn_ext_mma_f16_shall_use_sparse(",
      "#define FATTN_VEC_CASE(",
      "#define FATTN_VEC_CASES_ALL_D(",
      "typedef void (* fattn_vec_case_t)(",
      "static fattn_vec_case_t ggml_cuda_get_fattn_vec_case(",
      "enum best_fattn_kernel {",
      "static bool ggml_cuda_fattn_kv_type_supported(",
      "static best_fattn_kernel ggml_cuda_get_best_fattn_kernel(",
      "size_t ggml_cuda_flash_attn_ext_get_alloc_size(",
      "bool ggml_cuda_flash_attn_ext_supported(",
    ],
  ],
  [
    "ggml-cuda.cu",
    [
      "static constexpr int MOE_WEIGHTED_REDUCTION_MAX_EXPERTS",
      "struct ggml_cuda_moe_weighted_reduction_match {",
      "static bool ggml_cuda_match_moe_weighted_reduction(",
      "static bool ggml_cuda_topk_moe_fusion(",
      "static void ggml_backend_cuda_graph_optimize(",
      "static size_t ggml_backend_cuda_buffer_type_get_alloc_size(",
      "static int64_t get_op_batch_size(",
      "static bool ggml_backend_cuda_device_supports_op(",
      "static bool ggml_backend_cuda_device_offload_op(",
    ],
  ],
];

/** What follows puts operations on several streams, which is off unless asked for in the environment. */
const END_OF_PLANNING = "#ifdef USE_CUDA_GRAPH";

/** Writes the functions to a file that `simulated-gpu.cpp` includes. */
export function writeCudaRules(source: string, path: string): void {
  const folder = join(source, "ggml/src/ggml-cuda");
  const parts = FUNCTIONS.flatMap(([file, starts]) => {
    const text = readFileSync(join(folder, file), "utf8");
    return starts.map((start) => definition(text, start, file));
  });
  writeFileSync(
    path,
    [compiledKernels(readFileSync(join(source, "ggml/CMakeLists.txt"), "utf8")), ...parts].join("\n\n"),
  );
}

/** Kernels for pairs of cache types that are compiled unless asked for otherwise (`GGML_CUDA_FA_QUANTS`). */
function compiledKernels(cmake: string): string {
  const listed = /GGML_CUDA_FA_QUANTS "([^"]+)"/.exec(cmake)?.[1] ?? "";
  const compiled = new Set(listed.toUpperCase().split(";"));
  const types = ["F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "BF16"];
  return types
    .flatMap((k) => types.map((v) => `constexpr bool GGML_CUDA_FA_${k}_${v} = ${compiled.has(`${k}-${v}`)};`))
    .join("\n");
}

/** A definition from its first words to its end: of a function or struct the brace, of others the line. */
function definition(text: string, start: string, file: string): string {
  // Declarations begin alike: the one with a body is meant.
  for (let from = text.indexOf(start); from >= 0; from = text.indexOf(start, from + 1)) {
    if (from > 0 && text[from - 1] !== "\n") continue;
    const end = /^(?:#define|typedef|static constexpr int)/.test(start) ? endOfLine(text, from) : endOfBody(text, from);
    if (end === undefined) continue;
    const body = text.slice(from, end);
    const cut = start.includes("graph_optimize") ? body.indexOf(END_OF_PLANNING) : -1;
    return cut < 0 ? body : `${body.slice(0, cut)}}`;
  }
  throw new Error(`${file} has no ${start}`);
}

function endOfLine(text: string, from: number): number {
  const line = /(?:\\[ \t]*\n|[^\n])*/y;
  line.lastIndex = from;
  line.exec(text);
  return line.lastIndex;
}

function endOfBody(text: string, from: number): number | undefined {
  const open = text.indexOf("{", from);
  const semicolon = text.indexOf(";", from);
  if (open < 0 || (semicolon >= 0 && semicolon < open)) return undefined;
  const close = /^\};?$/gm;
  close.lastIndex = open;
  return close.exec(text) === null ? undefined : close.lastIndex;
}
