/**
 * Every budget, with its reason and the largest real case known. All can be overridden through
 * `options.limits`; raising one is safe, it only lets a larger file spend more memory.
 *
 * @example
 * ```ts
 * import { inspectModel, type Limits } from "weighin";
 *
 * const limits: Partial<Limits> = { shards: 500, idleTimeoutMs: 5_000 };
 * const model = await inspectModel("fixtures/files/demo.gguf", { limits });
 * ```
 */
export type Limits = {
  /** Bytes of one safetensors header. The format's own cap (Rust crate). Largest seen: about 12 MB. */
  readonly safetensorsHeaderBytes: number;
  /** Bytes of one GGUF header. Largest seen: about 40 MB (256k-token vocabularies with merges and scores). */
  readonly ggufHeaderBytes: number;
  /** Bytes of one GGUF string that is kept. Chat templates are under 1 MB. llama.cpp allows 1 GiB. */
  readonly stringBytes: number;
  /** Entries of one GGUF array. Largest seen: 514,906 merges. llama.cpp allows 2^30. */
  readonly arrayEntries: number;
  /** Arrays up to this length are copied into `metadata`; longer ones are named with their length. */
  readonly keptArrayEntries: number;
  /** Metadata keys of one file. Largest seen: under 100. */
  readonly metadataKeys: number;
  /** Tensors of one file or set. Largest seen: 497,000 (Kimi-K3, 100 shards). */
  readonly tensors: number;
  /** Dimensions of one safetensors tensor (GGUF: 4, by its own rule). */
  readonly dimensions: number;
  /** Nesting of any JSON text. Largest seen in a config.json: 12. */
  readonly jsonDepth: number;
  /** Bytes of a config.json. Largest seen: 3.1 MB (MiniMax-M3-NVFP4). */
  readonly configBytes: number;
  /** Bytes of a model.safetensors.index.json. Largest seen: 60 MB (Kimi-K3). */
  readonly indexBytes: number;
  /** Files of one set. Largest seen: 413 (MiniMax-M1). */
  readonly shards: number;
  /** Layers of one model. Largest seen: 126 (Llama-3.1-405B) and 162 (DeciLM). */
  readonly layers: number;
  /** Requests that may be under way at once. huggingface.js reads as many shards at once. */
  readonly concurrency: number;
  /** Requests for one file, follow-ups and retries included. */
  readonly requestsPerFile: number;
  /** Milliseconds a server may take over 1,024 bytes, or over none. */
  readonly idleTimeoutMs: number;
  /** Bytes of an answer that ignores the range asked for: up to here it is sliced, beyond it is refused. */
  readonly unrangedBytes: number;
};

/**
 * The budgets used when `options.limits` does not say otherwise.
 *
 * @example
 * ```ts
 * import { DEFAULT_LIMITS } from "weighin";
 *
 * console.log(DEFAULT_LIMITS.safetensorsHeaderBytes); // 100000000
 * ```
 */
export const DEFAULT_LIMITS: Limits = {
  safetensorsHeaderBytes: 100_000_000,
  ggufHeaderBytes: 268_435_456,
  stringBytes: 16_777_216,
  arrayEntries: 16_777_216,
  keptArrayEntries: 1_024,
  metadataKeys: 100_000,
  tensors: 2_000_000,
  dimensions: 16,
  jsonDepth: 64,
  configBytes: 10_000_000,
  indexBytes: 250_000_000,
  shards: 10_000,
  layers: 100_000,
  concurrency: 20,
  requestsPerFile: 32,
  idleTimeoutMs: 15_000,
  unrangedBytes: 8_388_608,
};
