/**
 * Model types whose weights and cache, in the release of `version.ts`, were as large as computed here: the tensors the
 * library held on a CPU after running the workloads of `conformance/transformers/`. A test holds this list against the golden numbers.
 */
export const PROVEN_MODEL_TYPES: ReadonlySet<string> = new Set([
  "bert",
  "deepseek_v2",
  "deepseek_v3",
  "gemma",
  "gemma2",
  "gemma3_text",
  "gpt_oss",
  "lfm2",
  "llama",
  "mamba",
  "mistral",
  "mixtral",
  "phi3",
  "qwen2",
  "qwen2_moe",
  "qwen3",
  "qwen3_moe",
]);
