import type { FeedForward } from "./feed-forward.ts";
import type { CrossMixer, Mixer } from "./mixer.ts";

/** One block, without its weights. */
export type LayerShape = {
  readonly mixer: Mixer;
  /** Attention over an encoder's output, beside the mixer. */
  readonly cross?: CrossMixer;
  readonly feedForward: FeedForward;
};

/**
 * What one derivation (GGUF keys, config.json) says of the model, before it is held against the tensors.
 * A field is absent where that derivation says nothing. Layers predicting further tokens (MTP / NextN) are not in
 * `layers`; their number is `mtpLayerCount`.
 */
export type ShapeClaim = {
  /** Where the claim comes from, for messages: `GGUF keys`, `config.json`. */
  readonly origin: string;
  /** GGUF `general.architecture` or Hugging Face `model_type`. */
  readonly architecture: string | undefined;
  /** False when no table entry covers the architecture: the layers are then not to be trusted for a cache. */
  readonly known: boolean;
  readonly layerCount: number | undefined;
  readonly hiddenSize: number | undefined;
  /** Width of the embedding, where a projection makes the hidden size of it. */
  readonly embeddingSize?: number;
  readonly vocabularySize: number | undefined;
  readonly trainedContext: number | undefined;
  readonly layers: readonly LayerShape[] | undefined;
  /** Blocks of the encoder whose output `layers` attend to; absent without one, undefined where no key says. */
  readonly encoder?: { readonly layerCount: number | undefined };
  readonly mtpLayerCount: number;
  /** The layers predicting further tokens, where there are any. */
  readonly mtpLayers: readonly LayerShape[];
  /** Heads as the keys give them, for architectures whose layers are not known. */
  readonly attentionHeads: number | undefined;
  readonly kvHeads: number | undefined;
  readonly causal: boolean;
  /** Layers claimed to have experts may be dense: only the tensors tell. */
  readonly expertLayersByTensors: boolean;
  readonly tiedEmbeddings: boolean | undefined;
  /** Where no output matrix is stored, the embedding serves as one. */
  readonly outputFromEmbedding: boolean;
};
