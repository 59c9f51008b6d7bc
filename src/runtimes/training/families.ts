import type { RmsKind } from "./operators.ts";

/** What the tensors of a layer do not say about it. */
export type Family = {
  readonly norm: RmsKind | "layer";
  /** Norms before attention and feed-forward part, after them, or before both of one input. */
  readonly norms: "before" | "after" | "parallel";
  /** How queries and keys are turned: each whole, or a part that is put together with the rest again. */
  readonly rotary: "none" | "whole" | "part";
  /** The key of config.json with the activation, and the one the class has by default. */
  readonly activation: readonly [key: string, byDefault: string];
  /** Keys with the share of elements that are zeroed after attention and feed-forward part, and after the embedding, and the class's default. */
  readonly dropout?: readonly [layerKey: string, embeddingKey: string | null, byDefault: number];
  /** Without the fused kernel, probabilities are computed in the model's own type, not in float32. */
  readonly ownSoftmax?: true;
  /** The embedding, what is added in each layer, and the logits are multiplied by numbers. */
  readonly scaled?: readonly ("embedding" | "residual" | "logits")[];
};

const LLAMA: Family = { norm: "cast first", norms: "before", rotary: "whole", activation: ["hidden_act", "silu"] };
const GPT2: Family = {
  norm: "layer",
  norms: "before",
  rotary: "none",
  activation: ["activation_function", "gelu_new"],
  dropout: ["resid_pdrop", "embd_pdrop", 0.1],
};

/** Families whose forward pass was read, and whose steps were run: by model_type (`models, modeling_<model_type>.py`). */
export const FAMILIES: ReadonlyMap<string, Family> = new Map<string, Family>([
  [
    "gemma",
    { ...LLAMA, norm: "one plus weight", activation: ["hidden_act", "gelu_pytorch_tanh"], scaled: ["embedding"] },
  ],
  ["gpt2", { ...GPT2, ownSoftmax: true }],
  ["gpt_neox", { ...LLAMA, norm: "layer", norms: "parallel", rotary: "part", activation: ["hidden_act", "gelu"] }],
  ["granite", { ...LLAMA, scaled: ["embedding", "residual", "logits"] }],
  ["llama", LLAMA],
  ["mistral", LLAMA],
  ["olmo2", { ...LLAMA, norm: "multiply first", norms: "after" }],
  ["opt", { ...GPT2, activation: ["activation_function", "relu"], dropout: ["dropout", null, 0.1] }],
  ["phi3", { ...LLAMA, rotary: "part" }],
  ["qwen2", LLAMA],
  ["qwen3", LLAMA],
  ["smollm3", LLAMA],
  ["stablelm", { ...LLAMA, norm: "layer", rotary: "part" }],
  ["starcoder2", { ...LLAMA, norm: "layer", activation: ["hidden_act", "gelu_pytorch_tanh"] }],
]);

/** What stands for a family that was not read. */
export const OTHER_FAMILY: Family = LLAMA;
