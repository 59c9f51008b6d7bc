import type { Keys } from "../keys.ts";
import type { Architecture, MixerRule } from "./architecture.ts";
import { configAttention } from "./attention-rules.ts";
import { configExperts, ggufFeedForward } from "./feed-forward-rules.ts";
import { configLatent, ggufLatent } from "./latent-rules.ts";
import { noWindow } from "./windows.ts";

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

/** The small models of DeepSeek-VL2 and DeepSeek-OCR have no latents (`use_mla`, in the code beside their weights). */
const latentOrPlain: MixerRule = (keys) =>
  keys.flag("use_mla") === false && !keys.integer("kv_lora_rank")
    ? configAttention(noWindow)(keys)
    : configLatent(keys);

/** DeepSeek V2, V3 and R1, and Kimi K2, which has the layers of V3: multi-head latent attention. */
export const deepseek: Architecture = {
  gguf: [{ names: ["deepseek2", "mistral4"], mixer: ggufLatent, feedForward: ggufFeedForward({ leadingDense: true }) }],
  config: [
    {
      modelTypes: ["deepseek_v2", "deepseek_vl_v2"],
      mixer: latentOrPlain,
      feedForward: experts,
    },
    {
      modelTypes: ["deepseek_v3", "kimi_k2"],
      mixer: configLatent,
      feedForward: experts,
    },
  ],
};
