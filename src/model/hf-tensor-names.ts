import type { NameRule } from "./tensor-names.ts";

/** Parts beside the language model, by any segment of the path, first match wins. */
export const HF_BESIDE_RULES: readonly NameRule[] = [
  [/(?:^|\.)(?:mtp|mtp_\w{1,32}|nextn)(?:\.|$)/, "mtp"],
  [
    /(?:^|\.)(?:audio|audio_\w{1,32}|embed_audio|apm|whisper_encoder|perception|codec_model|(?:acoustic|semantic)_(?:tokenizer|connector)(?:_\w{1,32})?|talker|tts|token2wav|code2wav)(?:\.|$)/,
    "other",
  ],
  [
    /(?:^|\.)(?:\w{0,16}vision(?:_\w{1,48})?|visual(?:_projection|_tokenizer|_embeddings_table)?|image_\w{1,32})(?:\.|$)/,
    "vision",
  ],
  [
    /(?:^|\.)(?:vi[te]|vit_\w{1,32}|vpm|vte|sam_model|view_sep[ae]rator|multi_modal_projector|mm_projector|pre_mm_projector_norm|patch_embed|patch_merger|patch_merge_mlp|merger|deepstack_merger_list|aligner|connector|resampler|resampler_model|qformer|query_tokens|language_projection|vqmodel|qwen2_model|gen_(?:aligner|head|embed)|generation_(?:aligner|head|embeddings)|video_tower)(?:\.|$)/,
    "vision",
  ],
  [/^(?:model\.)?(?:mlp1|projector)\./, "vision"],
];

/** The last module of a path; of those further out, only where nothing else is known of what is in them. */
const NORM = String.raw`(?:^|[._])(?:\w{0,32}norm\w{0,32}|ln_\w{1,8}|ln\d?)`;
const NORM_RULE: NameRule = [new RegExp(String.raw`${NORM}(?:\.[\d#]+)?(?:\.\w{1,32})?$`, "i"), "norm"];
const OUTER_NORM_RULE: NameRule = [new RegExp(String.raw`${NORM}\.`, "i"), "norm"];

/** Tensors outside the blocks, first match wins. */
export const HF_TOP_RULES: readonly NameRule[] = [
  ...HF_BESIDE_RULES,
  NORM_RULE,
  [
    /(?:^|\.)(?:embed_tokens|embed_tokens_per_layer|wte|wpe|word_embeddings|position_embeddings|token_type_embeddings|embeddings|embedding|tok_embeddings|embed_in|embed_positions|embed|tokens_embed|positions_embed|shared)(?:\.|$)/,
    "embedding",
  ],
  [
    /(?:^|\.)(?:lm_head|output|output_layer|embed_out|unembed|unembedding|ff_out|score|classifier|pre_classifier|cls|pooler|qa_outputs|head|vocab_\w+)(?:\.|$)/,
    "output",
  ],
];

/** Tensors of a block, by their whole name with numbers as `#`, first match wins. Always-on experts are feed-forward. */
export const HF_BLOCK_RULES: readonly NameRule[] = [
  ...HF_BESIDE_RULES,
  [/\.(?:eh_proj|enorm|hnorm|shared_head|embed_tokens)\./, "mtp"],
  // The bias of a router is read whole for every token, wherever it is stored.
  [/\.e_score_correction_bias$/, "feedForward"],
  // One norm after all experts together (Muse Spark).
  [/(?:^|\.)experts\.post_expert_norm\./, "norm"],
  [/(?:^|\.)(?:experts|switch_mlp)(?:\.|$)/, "experts"],
  [/\.(?:block_sparse_moe|mlp)\.(?:input|output)_linear\./, "experts"],
  [/\.moe\.(?:gate|up|down)_proj\./, "experts"],
  [/\.mlp\.mlp[12]_(?:weight|bias)(?:\.|$)/, "experts"],
  NORM_RULE,
  [/(?:^|\.)(?:linear_attn|mamba|ssm|conv|short_conv|time_mix|rwkv)(?:\.|$)/, "recurrent"],
  [
    /(?:^|\.)(?:self_attn|self_attention|multi_head_attention|attn|attention|crossattention|cross_attn|cross_attn_attn_gate|cross_attention|encoder_attn|att_proj|attn_out|(?:Local|TransientGlobal)?SelfAttention|EncDecAttention|linear_attention|indexer)(?:\.|$)/,
    "attention",
  ],
  [/\.mixer\.[qkvo]_proj\./, "attention"],
  [
    /(?:^|\.)(?:mlps?|residual_mlp|cross_attn_mlp_gate|feed_forward|ffn|ff_proj|ff_out|intermediate|output|fc1|fc2|block_sparse_moe|moe|DenseReluDense|shared?_experts?|shared_mlp|gate|router|mixer\.(?:up|down)_proj)(?:\.|$)/,
    "feedForward",
  ],
  [/\.mixer\./, "recurrent"],
  OUTER_NORM_RULE,
];
