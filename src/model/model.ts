import type { Diagnostic } from "../diagnostics.ts";
import type { FeedForward } from "./feed-forward.ts";
import type { CrossMixer, Mixer } from "./mixer.ts";

/** A value of a GGUF key or of config.json. Integers beyond 2^53 and NaN / Infinity are strings. */
export type MetadataValue =
  | string
  | number
  | boolean
  | null
  | readonly MetadataValue[]
  | { readonly [key: string]: MetadataValue };

/**
 * One file of the model.
 *
 * @example
 * ```ts
 * import { inspectModel } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * console.log(model.source.files.map((file) => file.path).join()); // demo.gguf
 * ```
 */
export type ModelFile = {
  readonly path: string;
  /** Length of the file. */
  readonly bytes: number;
  /** Bytes up to the start of the tensor data. */
  readonly headerBytes: number;
};

/**
 * A file beside the model that belongs to it: the projector of its images and audio, or a file that drafts tokens. Of several
 * the one llama.cpp would take. It has not been read.
 *
 * @example
 * ```ts
 * import { inspectModel, type ModelCompanion } from "weighin";
 *
 * const { source } = await inspectModel("fixtures/files/demo.gguf");
 * const companions: readonly ModelCompanion[] = source.companions ?? [];
 * const projector = companions.find(({ role }) => role === "projector");
 * if (projector !== undefined) await inspectModel(projector.source);
 * ```
 */
export type ModelCompanion = {
  readonly role: "projector" | "draft";
  /** Path beside the model's files. */
  readonly path: string;
  /** What `inspectModel` takes for it; of Blobs and sources of the caller's own their name. */
  readonly source: string;
};

/** Where the model was read from, and what reading it took. */
export type ModelSource = {
  readonly kind: "file" | "directory" | "hub" | "http" | "ollama" | "modelscope" | "blob" | "custom";
  /** A path, a repo id, the name of an Ollama model, a URL without its query, or the label of the given source. */
  readonly id: string;
  /** Revision asked for (hub only). */
  readonly revision?: string;
  /** The commit every byte was read at: 40 hex digits (hub only). */
  readonly commit?: string;
  readonly files: readonly ModelFile[];
  /** Files beside a GGUF model that llama.cpp would load with it; absent where there are none. */
  readonly companions?: readonly ModelCompanion[];
  /** Logical reads: a request and the redirects it follows count as one. Local files and Blobs take none. */
  readonly requests: number;
  readonly bytesRead: number;
};

/**
 * What a weight is for. `mtp`: heads that predict further tokens, which most runtimes leave out.
 *
 * @example
 * ```ts
 * import { type Component, inspectModel } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * const component: Component = "attention";
 * const bytes = model.weights.byComponent[component];
 * ```
 */
export type Component =
  | "embedding"
  | "attention"
  | "recurrent"
  | "feedForward"
  | "experts"
  | "norm"
  | "output"
  | "vision"
  | "mtp"
  | "other";

/**
 * One tensor. `shape` keeps the file's order: GGUF fastest first, safetensors slowest first.
 *
 * @example
 * ```ts
 * import { inspectModel } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * const embedding = model.tensors.find((tensor) => tensor.component === "embedding");
 * console.log(embedding?.name); // token_embd.weight
 * ```
 */
export type ModelTensor = {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Container elements stored. */
  readonly elements: number;
  /** What they stand for after unpacking; 0 for scales, zero points and the like. */
  readonly parameters: number;
  readonly bytes: number;
  /** Index into `source.files`. */
  readonly file: number;
  /** Absolute byte offset in that file. */
  readonly offset: number;
  readonly component: Component;
  /** Index of its block, where it has one. */
  readonly layer?: number;
};

/**
 * One block. `index` counts from 0; blocks with `mtp: true` follow the `layerCount` main ones. Of an encoder-decoder
 * (T5, BART, Whisper) these are the decoder's, which also attend to the encoder's output: `cross`.
 *
 * @example
 * ```ts
 * import { inspectModel } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * const widest = model.layers.reduce((bytes, layer) => Math.max(bytes, layer.weightBytes), 0);
 * ```
 */
export type ModelLayer = {
  readonly index: number;
  readonly mixer: Mixer;
  /** Attention over the encoder's output, with a cache as long as that output. */
  readonly cross?: CrossMixer;
  readonly feedForward: FeedForward;
  readonly weightBytes: number;
  readonly mtp?: true;
};

/**
 * The encoder of an encoder-decoder. It runs once over its input and keeps nothing but its output.
 *
 * @example
 * ```ts
 * import { inspectModel } from "weighin";
 *
 * const { encoder } = await inspectModel("fixtures/files/demo.gguf");
 * console.log(encoder?.layerCount ?? 0); // 0
 * ```
 */
export type ModelEncoder = {
  /** Its blocks, which are not in `layers`; null where nothing says how many. */
  readonly layerCount: number | null;
  /** Bytes of all its tensors as stored, its own embeddings included. */
  readonly weightBytes: number;
};

/** How the weights are packed, when they are. */
export type Quantization = {
  /** `gptq`, `awq`, `fp8`, `mxfp4`, `bitsandbytes`, …; for GGUF `ggml`. */
  readonly method: string;
  /** 8 x bytes of all tensors / parameters. */
  readonly bitsPerWeight: number;
};

/**
 * A model, as its headers describe it: plain, frozen, JSON-serialisable data. Bytes are integers.
 * Fields that nothing in the file proves are `null`.
 *
 * @example
 * ```ts
 * import { inspectModel, type Model } from "weighin";
 *
 * const model: Model = await inspectModel("fixtures/files/demo.gguf");
 * console.log(model.schemaVersion, model.format); // 1 gguf
 * ```
 */
export type Model = {
  readonly schemaVersion: 1;
  readonly format: "gguf" | "safetensors";
  readonly source: ModelSource;
  /** GGUF architecture or Hugging Face model_type, as the file says it; null when it says none. */
  readonly architecture: string | null;
  /** Main blocks, without MTP; of an encoder-decoder the decoder's. */
  readonly layerCount: number | null;
  /** Blocks that predict further tokens (MTP / NextN). */
  readonly mtpLayerCount: number;
  readonly hiddenSize: number | null;
  readonly vocabularySize: number | null;
  /** Context the model was trained for, in tokens. */
  readonly trainedContext: number | null;
  /** One number when equal in all attention layers, else one entry per layer (0 where a layer has none). */
  readonly attentionHeads: number | readonly number[] | null;
  /** As `attentionHeads`. MLA: 1 where one latent row stands for all heads (GGUF), else the decompressed heads. */
  readonly kvHeads: number | readonly number[] | null;
  /** Per head, of the first attention layer; MLA: the decompressed sizes. */
  readonly headDim: { readonly key: number; readonly value: number } | null;
  /** False for encoders, which keep no cache. */
  readonly causal: boolean;
  /** True when the output matrix is the embedding matrix. */
  readonly tiedEmbeddings: boolean;
  readonly layers: readonly ModelLayer[];
  /** Only in encoder-decoders. */
  readonly encoder?: ModelEncoder;
  /**
   * `total`: what all tensors stand for, MTP included. `active`: what one token visits, without MTP; the token
   * embedding counts, whole.
   */
  readonly parameters: { readonly total: number; readonly active: number };
  readonly weights: {
    /** Sum of tensor bytes as stored, in every file read. */
    readonly bytes: number;
    readonly byDtype: { readonly [dtype: string]: { readonly tensors: number; readonly bytes: number } };
    readonly byComponent: { readonly [component in Component]: number };
  };
  readonly tensors: readonly ModelTensor[];
  readonly quantization: Quantization | null;
  readonly metadata: { readonly [key: string]: MetadataValue };
  readonly diagnostics: readonly Diagnostic[];
};
