import type { GgufTensor } from "../../../../fixtures/write-gguf.ts";
import { HIDDEN, ofLayers, TOKENS, tensor, type Variant } from "./variant.ts";

const FEWER_TOKENS = [tensor("output.weight", [HIDDEN, TOKENS / 2]), tensor("d2t", [TOKENS / 2], "I64")];

const markov = (rank: number, tokens = TOKENS): readonly GgufTensor[] => [
  tensor("markov_w1.weight", [rank, TOKENS]),
  tensor("markov_w2.weight", [rank, tokens]),
];

export const DRAFTS: readonly Variant[] = [
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
    title: "Markov head, judged without bias",
    keys: { block_size: 16 },
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
