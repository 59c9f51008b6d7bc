/**
 * Architectures whose weights and cache the engine itself allocated to the byte as computed here, on a CPU, over the workloads of
 * `conformance/llama-cpp/`. A test holds this list against the golden numbers.
 */
export const PROVEN_ARCHITECTURES: ReadonlySet<string> = new Set([
  "bert",
  "deepseek2",
  "gemma",
  "gemma2",
  "gemma3",
  "gpt-oss",
  "lfm2",
  "llama",
  "mamba",
  "phi3",
  "qwen2",
  "qwen2moe",
  "qwen3",
  "qwen3moe",
]);
