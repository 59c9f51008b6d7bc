import { HIDDEN, ofLayers, tensor, type Variant, WIDE } from "./variant.ts";

/** Mean, first token, last token and the head of a reranker, without tensors of its own (`llama_pooling_type`). */
const POOLED: readonly Variant[] = ["bert", "modern-bert", "llama", "llama-embed", "t5encoder"].flatMap(
  (architecture) =>
    [1, 2, 3, 4].map((pooling_type) => ({ architecture, title: `pooling ${pooling_type}`, keys: { pooling_type } })),
);

const RERANKER = [
  tensor("cls.weight", [HIDDEN, HIDDEN]),
  tensor("cls.output.weight", [HIDDEN, 1]),
  tensor("cls.output.bias", [1]),
];

export const ENCODERS: readonly Variant[] = [
  ...POOLED,
  {
    architecture: "bert",
    title: "reranker",
    keys: { pooling_type: 4, "attention.causal": false },
    tensors: [...RERANKER, tensor("cls.bias", [HIDDEN])],
  },
  {
    architecture: "modern-bert",
    title: "reranker",
    keys: { pooling_type: 4, "attention.causal": false },
    tensors: [...RERANKER, tensor("cls.norm.weight", [HIDDEN])],
  },
  { architecture: "bert", title: "looking both ways", keys: { "attention.causal": false } },
  {
    architecture: "bert",
    title: "without biases",
    without: /(attn_[qkv]|attn_output|ffn_(up|down))\.bias|token_types/,
  },
  {
    architecture: "jina-bert-v2",
    title: "gate in the matrix that goes up",
    without: /ffn_(gate|up)/,
    tensors: ofLayers((prefix) => [tensor(`${prefix}ffn_up.weight`, [HIDDEN, 2 * WIDE])]),
  },
  { architecture: "jina-bert-v2", title: "without norms of heads", without: /attn_[qk]_norm|attn_norm_2/ },
  {
    architecture: "nomic-bert-moe",
    title: "without experts",
    keys: { moe_every_n_layers: 0 },
    without: /exps|gate_inp/,
    tensors: ofLayers((prefix) => [
      tensor(`${prefix}ffn_up.weight`, [HIDDEN, WIDE]),
      tensor(`${prefix}ffn_down.weight`, [WIDE, HIDDEN]),
    ]),
  },
  { architecture: "modern-bert", title: "without first norm", without: /blk\.0\.attn_norm/ },
  { architecture: "modern-bert", title: "windows", keys: { "attention.sliding_window": 128 } },
  { architecture: "modern-bert", title: "no windows", keys: { "attention.sliding_window": 0 } },
  {
    architecture: "t5",
    title: "fewer decoder layers",
    keys: { decoder_block_count: 3 },
    without: /^dec\.blk\.[3-9]\./,
  },
  { architecture: "t5", title: "without gates", without: /ffn_gate/ },
  { architecture: "t5encoder", title: "without gates", without: /ffn_gate/ },
];
