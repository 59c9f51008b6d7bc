import type { GgmlType, GgufTensor } from "../../../fixtures/write-gguf.ts";
import type { ArchitectureKeys } from "../architectures/keys.ts";

/** A golden row with other keys and tensors, for ways of a graph that no row takes. */
export type Variant = {
  readonly architecture: string;
  readonly title: string;
  readonly keys?: ArchitectureKeys;
  /** Tensors that are left out. */
  readonly without?: RegExp;
  /** Tensors beside the row's, or in place of those of the same name. */
  readonly tensors?: readonly GgufTensor[];
  /** Matrices that get a scale beside them. */
  readonly scales?: readonly string[];
  /** The model that a draft without matrices of its own is for. */
  readonly draftsFor?: string;
};

/** Sizes of the rows' keys. */
const HIDDEN = 256;
const WIDE = 384;
const TOKENS = 1024;
const LAYERS = 6;

const tensor = (name: string, shape: readonly number[], type: GgmlType = "F32"): GgufTensor => ({ name, type, shape });

const ofLayers = (tensors: (prefix: string) => readonly GgufTensor[]): readonly GgufTensor[] =>
  Array.from({ length: LAYERS }, (_, layer) => tensors(`blk.${layer}.`)).flat();

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

const ENCODERS: readonly Variant[] = [
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

const FEWER_TOKENS = [tensor("output.weight", [HIDDEN, TOKENS / 2]), tensor("d2t", [TOKENS / 2], "I64")];

const markov = (rank: number, tokens = TOKENS): readonly GgufTensor[] => [
  tensor("markov_w1.weight", [rank, TOKENS]),
  tensor("markov_w2.weight", [rank, tokens]),
];

const DRAFTS: readonly Variant[] = [
  { architecture: "eagle3", title: "output of the target", without: /^output\.weight/ },
  { architecture: "eagle3", title: "embedding of its own", tensors: [tensor("token_embd.weight", [HIDDEN, TOKENS])] },
  {
    architecture: "eagle3",
    title: "embedding of its own, output of the target",
    without: /^output\.weight/,
    tensors: [tensor("token_embd.weight", [HIDDEN, TOKENS])],
  },
  {
    architecture: "eagle3",
    title: "norms before",
    keys: { norm_before_residual: true, norm_before_fc: true },
    tensors: [tensor("enc.output_norm.weight", [3 * HIDDEN])],
  },
  { architecture: "eagle3", title: "fewer tokens", tensors: FEWER_TOKENS },
  { architecture: "dflash", title: "tied", without: /^output\.weight/ },
  {
    architecture: "dflash",
    title: "matrices of the target",
    without: /^(output|token_embd)\.weight/,
    draftsFor: "llama",
  },
  { architecture: "dflash", title: "values of keys", without: /attn_v/ },
  { architecture: "dflash", title: "plain", without: /post_|layer_output_scale|sinks|rope_freqs/ },
  {
    architecture: "dflash",
    title: "positions of four numbers",
    keys: { "rope.dimension_sections": [32, 0, 0, 0], embedding_scale: 2.5 },
  },
  { architecture: "dflash", title: "fewer tokens", tensors: FEWER_TOKENS },
  {
    architecture: "dflash",
    title: "Markov head, fewer tokens",
    keys: { block_size: 16 },
    tensors: [...FEWER_TOKENS, ...markov(64, TOKENS / 2)],
  },
  { architecture: "dflash", title: "Markov head", keys: { block_size: 16 }, tensors: markov(64) },
  {
    architecture: "dflash",
    title: "Markov head, judged",
    keys: { block_size: 16 },
    tensors: [...markov(64), tensor("conf_proj.weight", [HIDDEN + 64, 1]), tensor("conf_proj.bias", [1])],
  },
  {
    architecture: "dflash",
    title: "Markov head, judged, after an anchor",
    keys: { block_size: 16, sample_from_anchor: false },
    tensors: [...markov(64), tensor("conf_proj.weight", [HIDDEN + 64, 1])],
  },
  {
    architecture: "dflash",
    title: "selector",
    keys: {
      block_size: 16,
      selector_rank: 32,
      selector_top_k: 8,
      conv_kernel_size: 3,
      conv_group_size: 32,
      logit_scale: 0.5,
      final_logit_softcapping: 30,
    },
    tensors: [
      tensor("selector_predecessor.weight", [32, TOKENS]),
      tensor("selector_successor.weight", [32, TOKENS]),
      tensor("selector_hidden.weight", [HIDDEN, 32]),
      ...ofLayers((prefix) =>
        ["attn", "ffn"].flatMap((part) => [
          tensor(`${prefix}${part}_conv_base`, [HIDDEN, 3, 2]),
          tensor(`${prefix}${part}_conv_proj.weight`, [HIDDEN, (2 * 3 * HIDDEN) / 32]),
        ]),
      ),
    ],
  },
];

/** Scales of NVFP4 matrices, which the engine loads of every architecture and reads of some. */
const SCALED: readonly Variant[] = [
  ...[
    "bert",
    "nomic-bert",
    "jina-bert-v2",
    "eurobert",
    "dream",
    "llada",
    "eagle3",
    "dflash",
    "modern-bert",
    "neo-bert",
  ].map((architecture) => ({
    architecture,
    names: ["attn_q", "attn_k", "attn_v", "attn_qkv", "attn_output", "ffn_up", "ffn_gate", "ffn_down"],
  })),
  ...["nomic-bert-moe", "llada-moe", "rnd1"].map((architecture) => ({
    architecture,
    names: ["attn_output", "ffn_up_exps", "ffn_gate_exps", "ffn_down_exps"],
  })),
].map(({ architecture, names }) => ({ architecture, title: "scales", scales: names }));

export const VARIANTS: readonly Variant[] = [...POOLED, ...ENCODERS, ...DRAFTS, ...SCALED];
