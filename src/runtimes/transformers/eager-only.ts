/**
 * Model types whose classes refuse `attn_implementation="sdpa"` (`_supports_sdpa`) and write their scores out by default. A
 * test holds the list against the golden numbers.
 */
export const EAGER_ONLY: ReadonlySet<string> = new Set(
  [
    "big_bird bigbird_pegasus bloom codegen convbert cpmant deberta deberta-v2 deepseek_v4 falcon_mamba flaubert flint",
    "fnet fsmt funnel gemma2 gpt_neo gpt_neox_japanese gpt_oss gptj granite_swa granitemoe_swa hy_v4 ibert imagegpt",
    "inkling2_text led longformer longt5 luke mamba mamba2 megatron-bert mimo_v2_flash mpnet mpt mra mvp nllb-moe",
    "nystromformer openai-gpt pegasus_x prophetnet rembert roformer rwkv speech_to_text squeezebert switch_transformers",
    "t5gemma tapas trocr vaultgemma xglm xlm xlstm yoso",
  ].flatMap((names) => names.split(" ")),
);
