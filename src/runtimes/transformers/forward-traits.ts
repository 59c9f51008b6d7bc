/**
 * How a model's forward pass differs from that of Llama, as its `modeling_` file writes it: which Python names still hold
 * a tensor at the moments that decide the peak. Widths are counted in hidden, intermediate or query vectors of every token.
 */
export type ForwardTraits = {
  /** Hidden vectors held while the feed-forward part computes: embeddings, layer input, sum after attention, normed sum. */
  readonly ffnHidden: number;
  /** Intermediate vectors at its peak: gate, up and product of a gated one. */
  readonly ffnWidth: number;
  /** Hidden vectors held while attention computes: embeddings, layer input, normed input. */
  readonly attentionHidden: number;
  /** Hidden vectors held while a norm computes, that after the feed-forward part where there is one. */
  readonly normHidden: number;
  /** A norm's result is turned back to the model's type beside its float32 one. */
  readonly normCopied: boolean;
  /** `layer`: PyTorch's own LayerNorm, which gives one vector; `rms`: written out, in float32. */
  readonly norm: "rms" | "layer";
  /**
   * How queries and keys are turned. `own`: in their type; `float32`: converted before; `mixed`: their type times angles in
   * float32; `partial`: a part of each head; `split`: likewise, and the parts stay; `none`: positions are added elsewhere.
   */
  readonly rotary: "own" | "float32" | "mixed" | "partial" | "split" | "none";
  /** Sets of cosines and sines: one for each base. */
  readonly angleSets: number;
  /** Queries, keys and values come from one matrix, and stay until attention is done. */
  readonly fusedQkv: boolean;
  /** Queries are normed, per head, in float32. */
  readonly normedQueries: boolean;
  /** Scores in the type of the model that are held at the softmax of eager attention beside those it takes. */
  readonly scoresHeld: number;
  /** Scores of eager attention that are held after it: its own layer's, and of the layer before. */
  readonly scoresKept: number;
  /** Eager attention repeats keys and values for the heads that share them. */
  readonly repeatsKeys: boolean;
  /** The softmax of eager attention takes and gives the model's own type. */
  readonly softmaxInOwnType: boolean;
  /** Logits are scaled, which makes a second copy while the hidden vectors are still held. */
  readonly scaledLogits: boolean;
  /** Weights of experts are float32, and so is what they are multiplied with. */
  readonly wideRouting: boolean;
  /** Intermediate vectors of each expert of a token at the peak: gate and up in one, activated gate, product. */
  readonly expertWidth: number;
};

const LLAMA: ForwardTraits = {
  ffnHidden: 4,
  ffnWidth: 3,
  attentionHidden: 3,
  normHidden: 3,
  normCopied: false,
  norm: "rms",
  rotary: "own",
  angleSets: 1,
  fusedQkv: false,
  normedQueries: false,
  scoresHeld: 0,
  scoresKept: 1,
  repeatsKeys: true,
  softmaxInOwnType: false,
  scaledLogits: false,
  wideRouting: true,
  expertWidth: 4,
};

const PLAIN: Partial<ForwardTraits> = { ffnWidth: 2, norm: "layer" };

/** Written out, the activation holds four vectors at once (`activations.py`, NewGELUActivation). */
const NEW_GELU: Partial<ForwardTraits> = { ffnWidth: 4, norm: "layer" };

/** Norms after attention and after the feed-forward part instead of before. */
const NORMED_AFTER: Partial<ForwardTraits> = { ffnHidden: 3, attentionHidden: 2, normedQueries: true };

const DIFFERENCES: ReadonlyMap<string, Partial<ForwardTraits>> = new Map<string, Partial<ForwardTraits>>([
  ["bloom", { ...NEW_GELU, rotary: "none", fusedQkv: true, scoresHeld: 2, scoresKept: 2 }],
  ["cohere", { rotary: "float32", scaledLogits: true }],
  ["cohere2", { rotary: "float32", scaledLogits: true }],
  ["exaone4", { ...NORMED_AFTER, normHidden: 4 }],
  ["falcon", { ...PLAIN, fusedQkv: true, scoresHeld: 2, scoresKept: 2, repeatsKeys: false, softmaxInOwnType: true }],
  ["gemma3_text", { angleSets: 2, normedQueries: true }],
  ["glm4", { ffnWidth: 4, normHidden: 4, rotary: "partial" }],
  ["gpt2", { ...NEW_GELU, ffnHidden: 6, attentionHidden: 4, rotary: "none", fusedQkv: true, softmaxInOwnType: true }],
  ["gpt_neox", { ...PLAIN, rotary: "partial", fusedQkv: true }],
  // Its experts clamp, scale and add (`modeling_gpt_oss.py`, GptOssExperts._apply_gate), with a bias for each.
  ["gpt_oss", { expertWidth: 9, scoresHeld: 1, softmaxInOwnType: true, wideRouting: false }],
  ["granite", { scaledLogits: true }],
  ["nemotron", { norm: "layer", rotary: "partial" }],
  ["olmo", { rotary: "mixed" }],
  ["olmo2", { ...NORMED_AFTER, normHidden: 4, normCopied: true, rotary: "mixed" }],
  ["olmoe", { wideRouting: false }],
  ["opt", { ...PLAIN, attentionHidden: 4, rotary: "none" }],
  ["phi", { ...NEW_GELU, rotary: "split", scaledLogits: true }],
  ["phi3", { ffnWidth: 4, fusedQkv: true }],
  ["qwen3", { normedQueries: true }],
  ["qwen3_moe", { normedQueries: true, wideRouting: false }],
  ["stablelm", { ffnHidden: 6, norm: "layer", rotary: "split" }],
  ["starcoder2", PLAIN],
]);

/** A model's own traits; of one that is not listed those of Llama. */
export function forwardTraits(architecture: string | null): ForwardTraits {
  return { ...LLAMA, ...DIFFERENCES.get(architecture ?? "") };
}
