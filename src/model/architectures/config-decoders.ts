import type { Architecture } from "./architecture.ts";
import { besideOneExpert, configFeedForward as feedForward, halvedFeedForward } from "./config-feed-forward.ts";
import { changedAttention, expertHeads, falconHeads, multiQuery, prompted } from "./config-heads.ts";
import { configLayers } from "./config-layers.ts";
import { imageLayers } from "./cross-rules.ts";

/** Attention alike in every layer: full, or with the one window the configuration has. */
const UNIFORM: readonly string[] = [
  "apertus arcee aria_text biogpt bitnet bloom codegen cohere ctrl dbrx diffllama doge emu3_text_model ernie4_5",
  "ernie4_5_moe flex_olmo glm glm4 glm4_moe gpt-sw3 gpt2 gpt_neo gpt_neox gpt_neox_japanese gptj granite glm4v_text glm4v",
  "granite_docling_text granitemoe granitemoeshared helium hunyuan_v1_dense hyperclovax imagegpt internlm3 iquestcoder jais2",
  "minimax_m2 ministral3 molmo2_text mpt nanochat nemotron olmo olmo2 olmoe openai-gpt opt",
  "persimmon phi phimoe seed_oss solar_open stablelm starcoder2 trocr xglm qwen3_vl_text qwen3_vl_moe_text",
  "qwen3_vl qwen3_vl_moe glm4v_moe_text glm4v_moe ernie4_5_vl_moe_text bert-generation",
].flatMap((names) => names.split(" "));

/** Decoders of transformers that attend in every layer, by model_type, where no family's own file has them. */
export const configDecoders: Architecture = {
  gguf: [],
  config: [
    { modelTypes: UNIFORM, mixer: configLayers({}), feedForward },
    { modelTypes: ["moshi"], mixer: configLayers({}), feedForward: halvedFeedForward },
    { modelTypes: ["hunyuan_v1_moe"], mixer: configLayers({}), feedForward: besideOneExpert },
    {
      modelTypes: ["gpt_bigcode"],
      mixer: configLayers({ attention: changedAttention(multiQuery) }),
      feedForward,
    },
    {
      modelTypes: ["cpmant"],
      // Its embedding has rows for prompts beside those of tokens, so its output is a matrix of its own whatever the key says.
      aliases: { head_dim: "dim_head", tie_word_embeddings: [] },
      mixer: configLayers({ attention: changedAttention(prompted) }),
      feedForward,
    },
    { modelTypes: ["jetmoe"], mixer: expertHeads, feedForward },
    { modelTypes: ["mllama", "mllama_text_model"], mixer: imageLayers, feedForward },
    { modelTypes: ["falcon"], mixer: configLayers({ attention: changedAttention(falconHeads) }), feedForward },
  ],
};
