/** Which past tokens an attention layer sees. `tokens` counts the current one. */
export type AttentionWindow =
  | { readonly kind: "none" }
  | { readonly kind: "sliding"; readonly tokens: number }
  | { readonly kind: "chunked"; readonly tokens: number };

/**
 * Picks the past tokens that a sparse attention reads, by one small key per token that all its heads share
 * (DeepSeek-V3.2, MiniMax-M3).
 */
export type Indexer = { readonly heads: number; readonly keyDim: number };

/**
 * Beyond its window a layer sees one row for every `ratio` tokens (DeepSeek-V4). Tokens whose row is not finished are
 * held in `state`: tensors of the compressor of each sequence, one for rows and one for their scores, in elements.
 */
export type Compression = { readonly ratio: number; readonly state: readonly (readonly number[])[] };

/** Softmax attention with separate keys and values (MHA, MQA, GQA). Dimensions are per head. */
export type AttentionMixer = {
  readonly kind: "attention";
  readonly heads: number;
  readonly kvHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  readonly window: AttentionWindow;
  /** False for encoders, which look both ways and keep nothing between calls. */
  readonly causal: boolean;
  /** Index of the layer whose cache this one reuses; it then stores none of its own. */
  readonly sharesCacheWith?: number;
  /** The layer reads the cache of the model that its own drafts for, and stores none. */
  readonly readsTargetCache?: true;
  /** Times the layer runs for one token, each with a cache of its own (looped models). Absent: once. */
  readonly passes?: number;
  /** Rows that the model puts before the first token and caches like it. Absent: none. */
  readonly prefixTokens?: number;
  /** One row per token is key and value at once. */
  readonly sharedKeyValue?: true;
  readonly compression?: Compression;
  readonly indexer?: Indexer;
};

/** Multi-head latent attention: one low-rank vector and one rotary key per token stand for all heads. */
export type LatentMixer = {
  readonly kind: "latent";
  readonly heads: number;
  readonly kvLoraRank: number;
  readonly ropeDim: number;
  readonly nopeDim: number;
  readonly valueDim: number;
  readonly window: AttentionWindow;
  /**
   * How the file lays out the up-projection. `absorbed`: split per head, so an engine can attend in latent space
   * (GGUF with `attn_k_b` / `attn_v_b`). `joint`: one `kv_b` matrix (safetensors, old GGUF); an engine that does
   * not split it itself caches the expanded heads.
   */
  readonly upProjection: "absorbed" | "joint";
  readonly indexer?: Indexer;
  /** Attentions in the layer, one after the other, each with a cache of its own (LongCat). Absent: one. */
  readonly attentions?: number;
};

/** One tensor of recurrent state, per sequence. `tokens` are ids of past tokens, 64-bit integers. */
export type StateTensor = {
  readonly name: "convolution" | "ssm" | "shift" | "linear" | "ngram" | "tokens";
  /** Elements per sequence as the recurrence needs them, e.g. `[channels, kernel - 1]`. */
  readonly shape: readonly number[];
};

/** A recurrence whose memory does not grow with the context. */
export type RecurrentMixer = {
  readonly kind: "recurrent";
  readonly family:
    | "mamba1"
    | "mamba2"
    | "gated-delta-net"
    | "kimi-delta-attention"
    | "lightning-attention"
    | "short-convolution"
    | "rwkv"
    | "linear";
  readonly state: readonly StateTensor[];
  /** Width of the convolution (kernel size), where there is one: engines differ in keeping k or k - 1 columns. */
  readonly convolutionKernel?: number;
};

/** Attention and a recurrence side by side in one layer (Falcon-H1). */
export type ParallelMixer = {
  readonly kind: "parallel";
  readonly attention: AttentionMixer;
  readonly recurrent: RecurrentMixer;
};

/** Attention over an encoder's output; its keys and values have the encoder's length. Dimensions are per head. */
export type CrossMixer = {
  readonly kind: "cross";
  readonly heads: number;
  readonly kvHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  /** Tokens of the encoder's output where the model fixes them (Whisper: 1,500); null where they follow its input. */
  readonly encoderTokens: number | null;
};

/** A layer that mixes nothing and caches nothing. */
export type NoMixer = { readonly kind: "none" };

/** A layer whose way of mixing is not known: its weights are exact, its cache is not computed. */
export type UnknownMixer = {
  readonly kind: "unknown";
  /** Rows of the key and value projections, where the tensors prove them. */
  readonly keyWidth?: number;
  readonly valueWidth?: number;
};

/**
 * How a layer mixes tokens, and so what it caches.
 *
 * @example
 * ```ts
 * import { inspectModel } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * const [first] = model.layers;
 * if (first?.mixer.kind === "attention") console.log(first.mixer.window.kind); // none
 * ```
 */
export type Mixer = AttentionMixer | LatentMixer | RecurrentMixer | ParallelMixer | CrossMixer | NoMixer | UnknownMixer;
