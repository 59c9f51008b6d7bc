import type { GgufTensor } from "../../../fixtures/write-gguf.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

/**
 * The engine makes up the tensors of a file of keys, every optional one included. Of these two architectures it cannot:
 * their tensors are written out, for the sizes of `cases.ts`.
 */
export const WRITTEN_TENSORS: ReadonlyMap<string, readonly GgufTensor[]> = new Map([
  ["rwkv6qwen2", rwkvQwen2(6)],
  ["gemma4-assistant", gemmaAssistant([64, 64, 64, 128])],
]);

/** src/models/rwkv6qwen2.cpp: without `time_mix_first`, by which the engine knows that it is not an RWKV of old. */
function rwkvQwen2(layers: number): GgufTensor[] {
  const square = [256, 256];
  const block: Shapes = {
    "attn_norm.weight": [256],
    "time_mix_w1.weight": [256, 320],
    "time_mix_w2.weight": [64, 256, 5],
    "time_mix_lerp_x.weight": [256, 1, 1],
    "time_mix_lerp_fused.weight": [256, 1, 1, 5],
    "time_mix_decay.weight": [256],
    "time_mix_decay_w1.weight": [256, 128],
    "time_mix_decay_w2.weight": [128, 256],
    "time_mix_key.weight": square,
    "time_mix_value.weight": square,
    "time_mix_receptance.weight": square,
    "time_mix_gate.weight": square,
    "time_mix_output.weight": square,
    "ffn_norm.weight": [256],
    "ffn_gate.weight": [256, 384],
    "ffn_down.weight": [384, 256],
    "ffn_up.weight": [256, 384],
  };
  const top: Shapes = { "token_embd.weight": [256, 1024], "output_norm.weight": [256], "output.weight": [256, 1024] };
  return [...tensors(top), ...Array.from({ length: layers }, (_, layer) => tensors(block, `blk.${layer}.`)).flat()];
}

/** src/models/gemma4-assistant.cpp: 128 wide, for a model 256 wide, with one head size per layer. */
function gemmaAssistant(headDims: readonly number[]): GgufTensor[] {
  const blocks = headDims.map((headDim, layer) => {
    const block: Shapes = {
      "attn_norm.weight": [128],
      "attn_q.weight": [128, 4 * headDim],
      "attn_output.weight": [4 * headDim, 128],
      "attn_q_norm.weight": [headDim],
      "post_attention_norm.weight": [128],
      "layer_output_scale.weight": [1],
      "ffn_norm.weight": [128],
      "ffn_gate.weight": [128, 384],
      "ffn_up.weight": [128, 384],
      "ffn_down.weight": [384, 128],
      "post_ffw_norm.weight": [128],
    };
    return tensors(block, `blk.${layer}.`);
  });
  const top: Shapes = {
    "token_embd.weight": [128, 1024],
    "output_norm.weight": [128],
    "nextn.pre_projection.weight": [512, 128],
    "nextn.post_projection.weight": [128, 256],
    "rope_freqs.weight": [64],
  };
  return [...tensors(top), ...blocks.flat()];
}

/** Vectors and three-dimensional tensors are F32, as llama.cpp's own converter writes them. */
function tensors(shapes: Shapes, prefix = ""): GgufTensor[] {
  return Object.entries(shapes).map(([name, shape]) => ({
    name: prefix + name,
    type: shape.length === 2 ? "F16" : "F32",
    shape,
  }));
}
