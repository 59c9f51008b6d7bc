import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Files, and how the definitions that are taken from each begin. */
type Functions = readonly (readonly [file: string, starts: readonly string[]])[];

/**
 * What the engine's backends decide without a GPU: which operations they take, how large a tensor is in their buffers, what
 * they keep for operations that they compute in one. These functions are taken from the engine's source word for word, for
 * the simulated GPUs to ask; what they need of CUDA and of Metal themselves stands in `simulated-cuda.cpp` and
 * `simulated-metal.cpp`.
 */
const CUDA: Functions = [
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

/** How nodes are reordered and fused stands in files that are compiled as they are ({@link SIMULATED}). */
const METAL: Functions = [
  [
    "ggml-metal-ops.cpp",
    [
      "size_t ggml_metal_op_mul_mat_id_extra_tpe(",
      "size_t ggml_metal_op_mul_mat_id_extra_ids(",
      "size_t ggml_metal_op_mul_mat_id_extra_amax(",
      "bool ggml_metal_op_flash_attn_ext_use_vec(",
      "static bool ggml_metal_op_flash_attn_ext_use_kv_f16(",
      "static int ggml_metal_op_flash_attn_ext_n_kv_max_sparse(",
      "static bool ggml_metal_op_flash_attn_ext_v_is_view_of_k(",
      "static size_t ggml_metal_op_flash_attn_ext_kv_f16_k_size(",
      "size_t ggml_metal_op_flash_attn_ext_extra_pad(",
      "size_t ggml_metal_op_flash_attn_ext_extra_blk(",
      "size_t ggml_metal_op_flash_attn_ext_extra_tmp(",
      "size_t ggml_metal_op_flash_attn_ext_extra_kv_f16(",
      "size_t ggml_metal_op_flash_attn_ext_extra_idx(",
    ],
  ],
  ["ggml-metal-device.m", ["static bool ggml_metal_supports_mul_mat_op(", "bool ggml_metal_device_supports_op("]],
  [
    "ggml-metal.cpp",
    [
      "static size_t ggml_backend_metal_buffer_type_get_alloc_size(",
      "static void ggml_backend_metal_graph_optimize(",
      "static int64_t get_op_batch_size(",
      "static bool ggml_backend_metal_device_offload_op(",
    ],
  ],
];

/** Files of the simulated GPUs, from this folder and from the engine's source, and where their headers are. */
export const SIMULATED = {
  files: ["simulated-gpu.cpp", "simulated-cuda.cpp", "simulated-metal.cpp"],
  sources: ["ggml/src/ggml-metal/ggml-metal-common.cpp", "ggml/src/ggml-metal/ggml-metal-fusion.cpp"],
  includes: ["ggml/src/ggml-metal"],
} as const;

/** What follows puts operations on several streams, which is off unless asked for in the environment. */
const END_OF_CUDA_PLANNING = "#ifdef USE_CUDA_GRAPH";

/** Writes the functions to files in a folder, `cuda-rules.inc` and `metal-rules.inc`. */
export function writeEngineRules(source: string, folder: string): void {
  const kernels = compiledKernels(readFileSync(join(source, "ggml/CMakeLists.txt"), "utf8"));
  writeFileSync(
    join(folder, "cuda-rules.inc"),
    [kernels, ...taken(join(source, "ggml/src/ggml-cuda"), CUDA)].join("\n\n"),
  );
  writeFileSync(join(folder, "metal-rules.inc"), taken(join(source, "ggml/src/ggml-metal"), METAL).join("\n\n"));
}

function taken(folder: string, functions: Functions): string[] {
  return functions.flatMap(([file, starts]) => {
    const text = readFileSync(join(folder, file), "utf8");
    return starts.map((start) => definition(text, start, file));
  });
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
    const cut = body.indexOf(END_OF_CUDA_PLANNING);
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
