import type { NameRule } from "./tensor-names.ts";

/** Parts beside the language model, by any segment of the path, first match wins. */
export const HF_BESIDE_RULES: readonly NameRule[] = [
  [/(?:^|\.)(?:mtp|mtp_layers|mtp_block|nextn)(?:\.|$)/, "mtp"],
  [
    /(?:^|\.)(?:visual|vision|vision_tower|vision_model|vision_encoder|vit|sam_model|image_encoder|image_newline|vi[ee]w_sep[ae]rator|multi_modal_projector|mm_projector|vision_projector|embed_vision|vision_embed_tokens|patch_embed|merger|aligner)(?:\.|$)/,
    "vision",
  ],
  [/^(?:mlp1|projector)\./, "vision"],
  [
    /(?:^|\.)(?:audio|audio_tower|audio_encoder|audio_projector|embed_audio|talker|token2wav|code2wav)(?:\.|$)/,
    "other",
  ],
];

const NORM_RULE: NameRule = [/(?:^|[._])(?:\w*norm\w*|ln_\w{1,8}|ln\d?)(?:\.|$)/i, "norm"];

/** Tensors outside the blocks, first match wins. */
export const HF_TOP_RULES: readonly NameRule[] = [
  ...HF_BESIDE_RULES,
  NORM_RULE,
  [
    /(?:^|\.)(?:embed_tokens|embed_tokens_per_layer|wte|wpe|word_embeddings|position_embeddings|token_type_embeddings|embeddings|embedding|tok_embeddings|embed_in|embed_positions|embed|shared)(?:\.|$)/,
    "embedding",
  ],
  [
    /(?:^|\.)(?:lm_head|output|output_layer|embed_out|score|classifier|pre_classifier|cls|pooler|qa_outputs|head|vocab_\w+)(?:\.|$)/,
    "output",
  ],
];

/** Tensors of a block, by their whole name with numbers as `#`, first match wins. Always-on experts are feed-forward. */
export const HF_BLOCK_RULES: readonly NameRule[] = [
  ...HF_BESIDE_RULES,
  [/\.(?:eh_proj|enorm|hnorm|shared_head|embed_tokens)\./, "mtp"],
  [/(?:^|\.)(?:experts|switch_mlp)(?:\.|$)/, "experts"],
  [/\.block_sparse_moe\.(?:input|output)_linear\./, "experts"],
  NORM_RULE,
  [/(?:^|\.)(?:linear_attn|mamba|ssm|conv|short_conv|time_mix|rwkv)(?:\.|$)/, "recurrent"],
  [
    /(?:^|\.)(?:self_attn|self_attention|attn|attention|crossattention|cross_attn|cross_attention|encoder_attn|att_proj|attn_out|(?:Local|TransientGlobal)?SelfAttention|EncDecAttention|linear_attention|indexer)(?:\.|$)/,
    "attention",
  ],
  [/\.mixer\.[qkvo]_proj\./, "attention"],
  [
    /(?:^|\.)(?:mlps?|feed_forward|ffn|ff_proj|ff_out|intermediate|output|fc1|fc2|block_sparse_moe|moe|DenseReluDense|shared_experts?|shared_mlp|gate|router|mixer\.(?:up|down)_proj)(?:\.|$)/,
    "feedForward",
  ],
  [/\.mixer\./, "recurrent"],
];
