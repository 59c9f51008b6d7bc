import type { Keys } from "../keys.ts";
import type { Architecture } from "./architecture.ts";
import { configExperts, ggufFeedForward } from "./feed-forward-rules.ts";
import { configLatent, ggufLatent } from "./latent-rules.ts";

/** The first `first_k_dense_replace` layers are dense, and all but every `moe_layer_freq`-th after them. */
function leadingDense(keys: Keys): (layer: number) => boolean {
  const leading = keys.integer("first_k_dense_replace") ?? 0;
  const step = keys.integer("moe_layer_freq") ?? 1;
  return (layer) => layer < leading || (step > 0 && layer % step !== 0);
}

const experts = configExperts({
  experts: ["n_routed_experts"],
  width: ["moe_intermediate_size"],
  sharedWidth: (keys) => (keys.integer("n_shared_experts") ?? 0) * (keys.integer("moe_intermediate_size") ?? 0),
  dense: leadingDense,
});

/** DeepSeek V2, V3 and R1, and Kimi K2, which has the layers of V3: multi-head latent attention. */
export const deepseek: Architecture = {
  gguf: [{ names: ["deepseek2", "mistral4"], mixer: ggufLatent, feedForward: ggufFeedForward({ leadingDense: true }) }],
  config: [
    {
      modelTypes: ["deepseek_v2"],
      mixer: configLatent,
      feedForward: experts,
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/deepseek_v2/configuration_deepseek_v2.py
      defaults: {
        vocab_size: 102400,
        hidden_size: 4096,
        intermediate_size: 11008,
        num_hidden_layers: 32,
        num_attention_heads: 32,
        max_position_embeddings: 2048,
        first_k_dense_replace: 0,
        kv_lora_rank: 512,
        n_routed_experts: 64,
        n_shared_experts: 2,
        qk_nope_head_dim: 128,
        qk_rope_head_dim: 64,
        v_head_dim: 128,
        moe_intermediate_size: 1407,
        tie_word_embeddings: false,
      },
    },
    {
      modelTypes: ["deepseek_v3", "kimi_k2"],
      mixer: configLatent,
      feedForward: experts,
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/deepseek_v3/configuration_deepseek_v3.py
      defaults: {
        vocab_size: 129280,
        hidden_size: 7168,
        intermediate_size: 18432,
        moe_intermediate_size: 2048,
        num_hidden_layers: 61,
        num_attention_heads: 128,
        n_shared_experts: 1,
        n_routed_experts: 256,
        kv_lora_rank: 512,
        qk_rope_head_dim: 64,
        v_head_dim: 128,
        qk_nope_head_dim: 128,
        num_experts_per_tok: 8,
        first_k_dense_replace: 3,
        max_position_embeddings: 4096,
        tie_word_embeddings: false,
      },
    },
  ],
};
