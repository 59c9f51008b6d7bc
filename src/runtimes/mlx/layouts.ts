import type { StateName } from "./states.ts";

/** Where a module of mlx-lm keeps something else than its layers' shape says. */
export type Layout = {
  /** Layers with a window keep every token: always, or where `layer_types` does not name it. */
  readonly windows?: "listed";
  /** Latents are cached as the keys and values of all heads that they stand for. */
  readonly expanded?: true;
  /** Every layer's cache is a `CacheList`, which is never packed. */
  readonly grouped?: true;
  /** Times an index key is kept: as key and as value. */
  readonly indexCopies?: number;
  /** States that are float32 whatever the model runs in. */
  readonly float32States?: readonly StateName[];
  /** Its attention does not read a packed cache. */
  readonly readsUnpacked?: true;
  /** Its code runs one sequence at once. */
  readonly oneSequence?: true;
  /** Tensors that `sanitize` leaves out, beside those that no module loads. */
  readonly drops?: RegExp;
  /** An output matrix in the files is loaded, whatever config.json says of ties. */
  readonly loadsOutputMatrix?: true;
};

/** The scan runs in float32, and so does the state it leaves (`ssm.py`, `gated_delta.py`). */
const FLOAT32_SCAN: Layout = { float32States: ["ssm", "linear"] };

/** Both the key and the value of the indexer's cache are the index key (`deepseek_v32.py`, Indexer). */
const INDEX_KEYS: Layout = { indexCopies: 2 };

export const LAYOUTS: ReadonlyMap<string, Layout> = new Map<string, Layout>([
  ["deepseek_v2", { expanded: true }],
  ["deepseek_v32", INDEX_KEYS],
  ["ernie4_5_moe", { drops: /e_score_correction_bias$/ }],
  ["falcon_h1", FLOAT32_SCAN],
  ["gemma2", { readsUnpacked: true, oneSequence: true }],
  ["gemma3", { loadsOutputMatrix: true }],
  ["gemma3_text", { loadsOutputMatrix: true }],
  ["glm_moe_dsa", INDEX_KEYS],
  // Masks, which files of old releases have.
  ["gpt2", { drops: /^h\.\d+\.attn\.bias$/ }],
  ["gpt_neox", { drops: /\.attention\.(masked_)?bias$/ }],
  ["gptj", { drops: /\.attn\.(masked_)?bias$/ }],
  ["gpt_bigcode", { oneSequence: true }],
  ["granitemoehybrid", FLOAT32_SCAN],
  ["kimi_linear", FLOAT32_SCAN],
  ["llama", { windows: "listed" }],
  ["mamba2", FLOAT32_SCAN],
  ["minicpm", { loadsOutputMatrix: true }],
  ["minicpm3", { expanded: true }],
  ["minimax_m3_vl", { grouped: true }],
  ["ministral3", { windows: "listed" }],
  ["nemotron_h", FLOAT32_SCAN],
  ["olmo_hybrid", FLOAT32_SCAN],
  ["phi", { readsUnpacked: true }],
  ["qwen3_5", FLOAT32_SCAN],
  ["qwen3_5_moe", FLOAT32_SCAN],
  ["qwen3_next", FLOAT32_SCAN],
  ["recurrent_gemma", { loadsOutputMatrix: true }],
  ["stablelm", { readsUnpacked: true }],
  ["youtu_llm", { expanded: true }],
]);
