/**
 * Model types whose weights and cache, in the release of `version.ts`, were as large as computed here: the tensors the
 * library held on a CPU for the fixtures and tiny models of `conformance/transformers/`; encoders keep no cache. A test
 * holds this list against the golden numbers.
 */
export const PROVEN_MODEL_TYPES: ReadonlySet<string> = new Set(
  [
    "afmoe albert apertus arcee aria_text axk1 axk2 bailing_hybrid bamba beam bert bert-generation big_bird",
    "biogpt bitnet bloom camembert codegen cohere cohere2 cohere2_moe ctrl cwm data2vec-text deberta deberta-v2",
    "deepseek_v2 deepseek_v3 deepseek_v32 deepseek_v4 diffllama distilbert doge dots1 electra ernie ernie4_5 ernie4_5_moe esm",
    "esmc eurobert exaone4 exaone_moe falcon falcon_h1 falcon_mamba flaubert flex_olmo flint fnet gemma gemma2",
    "gemma3_text gemma3n_text gemma4_text gemma4_unified_text glm glm4 glm4_moe glm4_moe_lite glm4v_moe_text",
    "glm4v_text glm_moe_dsa gpt-sw3 gpt2 gpt_bigcode gpt_neo gpt_neox gpt_neox_japanese gpt_oss gptj granite",
    "granite_swa granitemoe granitemoe_swa granitemoehybrid granitemoeshared gte helium hrm_text hunyuan_v1_dense",
    "hunyuan_v1_moe hy_v3 hy_v4 hyperclovax ibert internlm3 iquestcoder jais2 jamba jetmoe jina_embeddings_v3",
    "kimi_linear kolibri1 laguna layoutlm lfm2 lfm2_moe lfm3 llama llama4_text longformer mamba mamba2",
    "megatron-bert mellum mimo_v2_flash minicpm3 minimax minimax_m2 minimax_m3_vl_text ministral ministral3 mistral",
    "mistral4 mixtral modernbert modernbert-decoder mpnet mpt mra nanochat nemotron nemotron_h neomme nomic_bert",
    "nystromformer olmo olmo2 olmo3 olmo_hybrid olmoe opt persimmon phi phi3 phimoe qwen2 qwen2_5_vl_text",
    "qwen2_moe qwen2_vl_text qwen3 qwen3_5_moe_text qwen3_5_text qwen3_moe qwen3_next qwen3_vl_moe_text",
    "qwen3_vl_text rembert roberta roberta-prelayernorm roc_bert roformer seed_oss smollm3 solar_open squeezebert",
    "stablelm starcoder2 tapas trocr ultrabert vaultgemma xglm xlm xlm-roberta xlm-roberta-xl xmod yoso youtu",
    "zamba2",
    // encoder-decoders, and a decoder over images
    "mllama",
    "bart bigbird_pegasus blenderbot blenderbot-small canary cohere_asr dia fsmt led longt5 m2m_100 marian",
    "mbart moonshine moonshine_streaming mt5 mvp nllb-moe pegasus pegasus_x plbart pop2piano prophetnet seamless_m4t",
    "seamless_m4t_v2 speech_to_text switch_transformers t5 t5gemma t5gemma2 umt5 whisper",
  ].flatMap((names) => names.split(" ")),
);
