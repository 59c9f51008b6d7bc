/** Names of tensors that stay in float32 whatever the model runs in, or in a float16 model only. */
export type KeptInFloat32 = { readonly always?: RegExp; readonly inFloat16?: RegExp };

const ROUTER_BIAS: KeptInFloat32 = { always: /(^|\.)(e_score_correction_bias|expert_bias)$/ };

const ROUTER: KeptInFloat32 = { always: /(^|\.)router\.classifier\.weight$/ };
const T5: KeptInFloat32 = { inFloat16: /(^|\.)wo\./ };

/** By the names of the class, and by those the checkpoints were published under (`conversion_mapping.py`). */
const DEEPSEEK_V4: KeptInFloat32 = {
  always:
    /(^|\.)((attn|ffn)_hc\.\w+|hc_head\.\w+|sinks|position_bias|e_score_correction_bias|(q_a_norm|kv_norm|input_layernorm|post_attention_layernorm|norm)\.weight|hc_(attn|ffn|head)_\w+|attn_sink|ape|gate\.bias|(q_norm|attn_norm|ffn_norm)\.weight)$/,
  inFloat16:
    /(^|\.)compressor\.((indexer\.)?(kv_proj|gate_proj|wkv|wgate)|indexer\.scorer\.weights_proj)\.weight$|(^|\.)indexer\.(compressor\.(wkv|wgate)|weights_proj)\.weight$/,
};

/** Families with a router whose bias is all that stays. */
const ROUTER_BIAS_ONLY = [
  "axk1 axk2 deepseek_v3 deepseek_v32 dots1 exaone_moe glm4_moe glm4_moe_lite glm4v_moe_text glm_moe_dsa hy_v3",
  "kolibri1 lfm2_moe mimo_v2_flash nemotron_h solar_open",
].flatMap((names) => names.split(" "));

/**
 * By model_type: `_keep_in_fp32_modules_strict` and what a model makes in float32 itself, and `_keep_in_fp32_modules`
 * (the `modeling_` files of transformers 5.23.0).
 */
export const KEPT_IN_FLOAT32: ReadonlyMap<string, KeptInFloat32> = new Map<string, KeptInFloat32>([
  ...ROUTER_BIAS_ONLY.map((modelType) => [modelType, ROUTER_BIAS] as const),
  [
    "bailing_hybrid",
    { always: /(^|\.)(e_score_correction_bias|expert_bias|dt_bias|A_log|[qkv]_conv1d\.weight|conv1d\.weight)$/ },
  ],
  ...["mt5", "pop2piano", "t5", "umt5"].map((modelType) => [modelType, T5] as const),
  ...["nllb-moe", "switch_transformers"].map((modelType) => [modelType, ROUTER] as const),
  ["beam", { always: /(^|\.)(e_score_correction_bias|mlp\.gate\.weight)$/ }],
  ["deberta", { always: /(^|\.)self\.[qv]_bias$/ }],
  ["deepseek_v4", DEEPSEEK_V4],
  ["ernie4_5_moe", { always: /(^|\.)(e_score_correction_bias|mlp\.gate\.weight)$/ }],
  ["flint", { always: /(^|\.)(softmax_offset|gate\.weight)$/ }],
  ["gpt_oss", { inFloat16: /(^|\.)(post_attention_layernorm|input_layernorm|norm)\./ }],
  ["hunyuan_v1_moe", { always: /(^|\.)gate\.wg\.weight$/ }],
  [
    "hy_v4",
    {
      always:
        /(^|\.)(e_score_correction_bias|lm_head\.weight|hc_\w+|\w+_hc\.\w+|learnable_sink_param|k_norm\.\w+|weights_proj\.weight)$/,
    },
  ],
  ["dots3_note_text", ROUTER_BIAS],
  ["inkling_text", { always: /(^|\.)(e_score_correction_bias|gate\.global_scale|\w+_sconv\.conv1d\.weight)$/ }],
  [
    "inkling2_text",
    {
      always:
        /(^|\.)(mlp\.gate\.(bias|weight)|\w+_sconv\.weight|attn_res\.(attn_queries\.\d+|mlp_queries\.\d+|output_query))$/,
    },
  ],
  [
    "muse_spark_text",
    { always: /(^|\.)(post_(attention|feedforward)_residual_gate\.gate|mlp\.gate\.weight|e_score_correction_bias)$/ },
  ],
  ["zamba", { always: /(^|\.)A_log$/ }],
  ["zaya", { always: /(^|\.)balancing_biases$/ }],
  ["olmo_hybrid", { always: /(^|\.)A_log$/ }],
]);
