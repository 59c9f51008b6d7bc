import type { Model } from "../../model/model.ts";
import type { CommonWorkload } from "../common-workload.ts";

/** ggml types a llama.cpp cache may have. */
export type LlamaCppCacheType = "f32" | "f16" | "bf16" | "q8_0" | "q5_1" | "q5_0" | "q4_1" | "q4_0" | "iq4_nl";

/**
 * What llama.cpp is asked to do.
 *
 * @example
 * ```ts
 * import { estimateMemory, inspectModel, type LlamaCppWorkload } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * const workload: LlamaCppWorkload = { runtime: "llama.cpp", contextTokens: 8192, sequences: 4, cacheTypeK: "q8_0" };
 * const bytes = estimateMemory(model, workload).totals.cache;
 * ```
 */
export type LlamaCppWorkload = CommonWorkload & {
  readonly runtime: "llama.cpp";
  /**
   * Whose defaults hold. `tool` (the default): llama-completion and the other tools. `cli`: llama-cli. `server`:
   * llama-server. `library`: the C API. `ollama`, `lm-studio`: what is known of those (see `docs/runtimes/llama-cpp.md`).
   */
  readonly preset?: "tool" | "cli" | "server" | "library" | "ollama" | "lm-studio";
  /** Tokens of one logical batch. Default 2048; 512 with presets `ollama` and `lm-studio`. */
  readonly batchTokens?: number;
  /** Tokens of one physical batch. Default 512. */
  readonly microBatchTokens?: number;
  /** Default `f16`. */
  readonly cacheTypeK?: LlamaCppCacheType;
  /** Default `f16`. */
  readonly cacheTypeV?: LlamaCppCacheType;
  /** Default `auto`. */
  readonly flashAttention?: "auto" | "on" | "off";
  /** One pool of cells for all sequences. Default false; true with preset `server` unless `sequences` is given. */
  readonly unifiedCache?: boolean;
  /** Sliding-window layers keep the whole context. Default false; true with preset `library`. */
  readonly fullSlidingWindowCache?: boolean;
  /**
   * Tokens of one physical batch whose logits are kept, at most. Default: all; with presets `cli`, `server` and `ollama`
   * one per sequence and drafted token, unless they give embeddings.
   */
  readonly outputs?: number;
  /** Embeddings are put out beside the logits. Default false. */
  readonly embeddings?: boolean;
  /** Layers on GPUs: the output layer counts as one and comes first, then the last blocks. Default: all there are. */
  readonly gpuLayers?: number | "all";
  /** `layer` (the default) gives each GPU a run of layers, `none` everything to `mainGpu`. */
  readonly splitMode?: "none" | "layer" | "row" | "tensor";
  /** Index among the GPUs, for `splitMode: "none"`. Default 0. */
  readonly mainGpu?: number;
  /** Share of each GPU. Default: by `memoryBytes`, which stands for what is free there. */
  readonly tensorSplit?: readonly number[];
  /** Tensors whose names match go to the device of that name, the first match before any other rule. Default none. */
  readonly overrideTensors?: readonly TensorOverride[];
  /** Blocks whose expert weights stay on the host: the first so many, or all. Default 0. */
  readonly cpuMoeLayers?: number | "all";
  /** Blocks, from the first, whose dense feed-forward weights stay on the host. Default 0. */
  readonly cpuFeedForwardLayers?: number;
  /** The cache lies with its layers; otherwise on the host. Default true. */
  readonly offloadCache?: boolean;
  /** Large batches bring weights of the host to the GPU. Default true. */
  readonly operatorOffload?: boolean;
  /**
   * Weights of the CPU (and of Metal) are the mapped file instead of memory of their own. Default false: what the tensors
   * themselves take, which is also what stays in memory of a file that is mapped.
   */
  readonly memoryMap?: boolean;
  /** The CPU reorders what it has kernels for, by its instructions. Default false: nothing is reordered. */
  readonly repack?: RepackingCpu | false;
  /** Beside a CUDA device, weights of the host lie in memory it can read (not with `--no-host`). Default true. */
  readonly pinnedHost?: boolean;
  /** Blocks that predict further tokens are loaded. Default false; true with `mtpContext`. */
  readonly loadMtp?: boolean;
  /**
   * Earlier states kept of each sequence, to go back after a wrong draft (architectures that can). Default 0;
   * `draftTokens` where MTP blocks draft.
   */
  readonly rollbackRows?: number;
  /** Threads of the CPU: each has scratch memory of its own. Default 4. */
  readonly threads?: number;
  /** A projector (mmproj) loaded beside the model: its weights and its graph are lines of their own. Default none. */
  readonly projector?: Model;
  /** The projector lies on the first GPU; otherwise on the host. Default true. */
  readonly projectorOffload?: boolean;
  /** A second model that drafts tokens: its weights, cache and output are lines of their own. Default none. */
  readonly draft?: Model;
  /** As `gpuLayers`, of the draft. Default: all there are. */
  readonly draftGpuLayers?: number | "all";
  /** Of the context that drafts, of a draft or of the model's own MTP blocks. Default `f16`. */
  readonly draftCacheTypeK?: LlamaCppCacheType;
  /** As `draftCacheTypeK`. Default `f16`. */
  readonly draftCacheTypeV?: LlamaCppCacheType;
  /** Tokens drafted at once, at most. Default 3. */
  readonly draftTokens?: number;
  /** The model drafts for itself with its MTP blocks, in a second context; `loadMtp` is then true. Default false. */
  readonly mtpContext?: boolean;
};

/**
 * Instructions that llama.cpp has kernels for over reordered weights: x86 with AVX2 or AVX-512, Arm with dot products.
 *
 * @example
 * ```ts
 * import type { RepackingCpu } from "weighin";
 *
 * const laptop: RepackingCpu = "avx2";
 * ```
 */
export type RepackingCpu = "avx2" | "avx512" | "neon";

/**
 * A rule of llama.cpp's `--override-tensor`: a regular expression, and the name of a device.
 *
 * @example
 * ```ts
 * import type { TensorOverride } from "weighin";
 *
 * const experts: TensorOverride = { pattern: "ffn_.*_exps", device: "CPU" };
 * ```
 */
export type TensorOverride = { readonly pattern: string; readonly device: string };
