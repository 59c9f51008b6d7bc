import type { BlockEvidence } from "./tensor-claim.ts";

type GlobalFact = "hidden" | "vocabulary" | "finalNorm" | "output" | "logits";

/** A fact that one dimension of a tensor proves; without an axis its being there proves it. */
export type TensorRole = {
  readonly fact: keyof BlockEvidence | GlobalFact;
  readonly axis?: number;
  /** The axis is countable whatever the packing. */
  readonly packed?: true;
};

/** The roles of a tensor, by its name outside the blocks, or by what follows the block. */
export type RoleTable = {
  top(name: string): readonly TensorRole[];
  block(rest: string): readonly TensorRole[];
};

const NO_ROLES: readonly TensorRole[] = [];
const ATTENTION: TensorRole = { fact: "attention" };
const RECURRENT: TensorRole = { fact: "recurrent" };
const MTP: TensorRole = { fact: "mtp" };

const GGUF_TOP: ReadonlyMap<string, readonly TensorRole[]> = new Map<string, readonly TensorRole[]>([
  [
    "token_embd.weight",
    [
      { fact: "hidden", axis: 0 },
      { fact: "vocabulary", axis: 1 },
    ],
  ],
  ["output_norm.weight", [{ fact: "finalNorm", axis: 0 }]],
  ["output.weight", [{ fact: "output" }]],
]);

/** GGUF lists the input dimension first. */
const GGUF_BLOCK: ReadonlyMap<string, readonly TensorRole[]> = new Map<string, readonly TensorRole[]>([
  ["attn_q.weight", [ATTENTION]],
  ["attn_output.weight", [ATTENTION]],
  ["attn_k.weight", [{ fact: "keyWidth", axis: 1 }]],
  ["attn_v.weight", [{ fact: "valueWidth", axis: 1 }]],
  ["attn_qkv.weight", [{ fact: "qkvWidth", axis: 1 }]],
  ["attn_kv_a_mqa.weight", [{ fact: "latentWidth", axis: 1 }]],
  ["ffn_down.weight", [{ fact: "denseWidth", axis: 0 }]],
  [
    "ffn_down_exps.weight",
    [
      { fact: "expertWidth", axis: 0 },
      { fact: "experts", axis: 2 },
    ],
  ],
  ["ffn_down.#.weight", [{ fact: "expertWidth", axis: 0 }]],
  ["ffn_down_shexp.weight", [{ fact: "sharedWidth", axis: 0 }]],
  ["ssm_conv1d.weight", [RECURRENT, { fact: "channels", axis: 1 }]],
  ["ssm_conv1d_q.weight", [RECURRENT]],
  ["shortconv.conv.weight", [RECURRENT, { fact: "channels", axis: 1 }]],
  ["time_mix_key.weight", [RECURRENT]],
  ["nextn.eh_proj.weight", [MTP]],
  ["nextn.enorm.weight", [MTP]],
]);

const HF_EMBEDDING =
  /(?:^|\.)(?:embed_tokens|wte|word_embeddings|tok_embeddings|embed_in|backbone\.embeddings?|shared)\.weight$/;
const HF_FINAL_NORM = /(?:^|\.)(?:norm|norm_f|ln_f|final_layernorm|final_layer_norm|embedding_norm)\.weight$/;
const HF_OUTPUT = /(?:^|\.)(?:lm_head|embed_out|output_layer)\.(?:weight|qweight|weight_packed)$|^output\.weight$/;

const HF_EMBEDDING_ROLES: readonly TensorRole[] = [
  { fact: "vocabulary", axis: 0 },
  { fact: "hidden", axis: 1 },
];
const HF_FINAL_NORM_ROLES: readonly TensorRole[] = [{ fact: "finalNorm", axis: 0 }];
const HF_OUTPUT_ROLES: readonly TensorRole[] = [{ fact: "output" }, { fact: "logits", axis: 0 }];

function hfTop(name: string): readonly TensorRole[] {
  if (HF_EMBEDDING.test(name)) return HF_EMBEDDING_ROLES;
  if (HF_FINAL_NORM.test(name)) return HF_FINAL_NORM_ROLES;
  return HF_OUTPUT.test(name) ? HF_OUTPUT_ROLES : NO_ROLES;
}

const fusedExperts: TensorRole = { fact: "experts", axis: 0, packed: true };

/** The matrix that leads out of one expert, whose columns are its width. */
const EXPERT_DOWN: readonly string[] = [
  "mlp.experts.#.down_proj.weight",
  "feed_forward.experts.#.down_proj.weight",
  "mixer.experts.#.down_proj.weight",
  "block_sparse_moe.experts.#.w2.weight",
  "ffn.experts.#.w2.weight",
  "ffn.experts.#.fc2.weight",
  "layer.2.mlp.experts.#.wo.weight",
];

/** The same of the experts that every token visits. */
const SHARED_DOWN: readonly string[] = [
  "mlp.shared_expert.down_proj.weight",
  "mlp.shared_experts.down_proj.weight",
  "mlp.shared_mlp.down_proj.weight",
  "feed_forward.shared_expert.down_proj.weight",
  "block_sparse_moe.shared_experts.down_proj.weight",
  "mixer.shared_experts.down_proj.weight",
  "share_expert.down_proj.weight",
  "ffn.shared_experts.w2.weight",
];

/** All experts in one tensor, and the router of those whose matrices are stacked row under row (DBRX). */
const FUSED_EXPERTS: readonly string[] = [
  "mlp.experts.down_proj",
  "mlp.experts.gate_up_proj",
  "mlp.experts.gate_up_proj_blocks",
  "mlp.switch_mlp.down_proj.weight",
  "block_sparse_moe.switch_mlp.down_proj.weight",
  "ffn.router.layer.weight",
];

const KEYS: readonly string[] = [
  "self_attn.k_proj",
  "attention.wk",
  "attention.self.key",
  "attention.k_lin",
  "attn.k_proj",
  "self_attn.key_proj",
];

const VALUES: readonly string[] = [
  "self_attn.v_proj",
  "attention.wv",
  "attention.self.value",
  "attention.v_lin",
  "attn.v_proj",
  "self_attn.value_proj",
];

type RoleRow = [name: string, roles: readonly TensorRole[]];

/** A matrix whose rows prove a fact, plain or packed, and its bias. */
function projection(path: string, fact: "keyWidth" | "valueWidth"): RoleRow[] {
  return [
    [`${path}.weight`, [{ fact, axis: 0 }]],
    [`${path}.bias`, [{ fact, axis: 0 }]],
    [`${path}.weight_packed`, [{ fact, axis: 0, packed: true }]],
  ];
}

/** safetensors list the output dimension first. Biases prove the rows of matrices whose packing hides them. */
const HF_BLOCK: ReadonlyMap<string, readonly TensorRole[]> = new Map<string, readonly TensorRole[]>([
  ...KEYS.flatMap((path) => projection(path, "keyWidth")),
  ...KEYS.map((path): RoleRow => [`${path}.qweight`, [ATTENTION]]),
  ...VALUES.flatMap((path) => projection(path, "valueWidth")),
  ...[
    "self_attn.qkv_proj",
    "self_attention.query_key_value",
    "attention.query_key_value",
    "attention.wqkv",
    "attn.Wqkv",
    "norm_attn_norm.attn.Wqkv",
  ].map((path): RoleRow => [`${path}.weight`, [{ fact: "qkvWidth", axis: 0 }]]),
  ["self_attn.q_proj.weight", [ATTENTION]],
  ["self_attn.o_proj.weight", [ATTENTION]],
  ["self_attn.kv_a_proj_with_mqa.weight", [{ fact: "latentWidth", axis: 0 }]],
  ...["mlp.down_proj", "feed_forward.down_proj", "feed_forward.w2", "mlp.fc2"].map(
    (path): RoleRow => [`${path}.weight`, [{ fact: "denseWidth", axis: 1 }]],
  ),
  ["self_attn.#.kv_a_proj_with_mqa.weight", [{ fact: "latentWidth", axis: 0 }]],
  ...["intermediate.dense", "fc1", "ffn.fc1", "mlp.dense_h_to_4h"].map(
    (path): RoleRow => [`${path}.weight`, [{ fact: "denseWidth", axis: 0 }]],
  ),
  ["layer.#.SelfAttention.k.weight", [{ fact: "keyWidth", axis: 0 }]],
  ["layer.#.SelfAttention.v.weight", [{ fact: "valueWidth", axis: 0 }]],
  ["layer.#.DenseReluDense.wo.weight", [{ fact: "denseWidth", axis: 1 }]],
  ["layer.#.mlp.wo.weight", [{ fact: "denseWidth", axis: 1 }]],
  ["ffn.lin1.weight", [{ fact: "denseWidth", axis: 0 }]],
  ...EXPERT_DOWN.map((path): RoleRow => [path, [{ fact: "expertWidth", axis: 1 }]]),
  ...SHARED_DOWN.map((path): RoleRow => [path, [{ fact: "sharedWidth", axis: 1 }]]),
  ...FUSED_EXPERTS.map((path): RoleRow => [path, [fusedExperts]]),
  ["feed_forward.experts.down_proj", [fusedExperts, { fact: "expertWidth", axis: 1 }]],
  ...["block_sparse_moe.output_linear", "mlp.output_linear", "moe.down_proj"].map(
    (path): RoleRow => [`${path}.weight`, [fusedExperts, { fact: "expertWidth", axis: 2 }]],
  ),
  ["mixer.conv1d.weight", [RECURRENT, { fact: "channels", axis: 0 }]],
  ["conv.conv.weight", [RECURRENT, { fact: "channels", axis: 0 }]],
  ["linear_attn.conv1d.weight", [RECURRENT]],
  ["linear_attn.q_conv1d.weight", [RECURRENT]],
  ["self_attn.q_conv1d.weight", [RECURRENT]],
  ["self_attn.q_conv.conv.weight", [RECURRENT]],
  ["eh_proj.weight", [MTP]],
  ["enorm.weight", [MTP]],
]);

export const GGUF_ROLES: RoleTable = {
  top: (name) => GGUF_TOP.get(name) ?? NO_ROLES,
  block: (rest) => GGUF_BLOCK.get(rest) ?? NO_ROLES,
};

export const HF_ROLES: RoleTable = {
  top: hfTop,
  block: (rest) => HF_BLOCK.get(rest) ?? NO_ROLES,
};
