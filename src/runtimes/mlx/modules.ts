import type { Model } from "../../model/model.ts";

/** Model types that mlx-lm runs as another (`utils.py`, MODEL_REMAPPING). */
const RUN_AS: ReadonlyMap<string, string> = new Map([
  ["falcon_mamba", "mamba"],
  ["gemma4_unified", "gemma4"],
  ["iquestcoder", "llama"],
  ["joyai_llm_flash", "deepseek_v3"],
  ["kimi_k2", "deepseek_v3"],
  ["llava", "mistral3"],
  ["minimax_m2", "minimax"],
  ["mistral", "llama"],
  ["phi-msft", "phixtral"],
  ["qwen2_5_vl", "qwen2_vl"],
  ["xverse", "llama"],
]);

/** What `mlx_lm/models` has a module for. These keep every token of every layer, or the last `maxKvSize`. */
const WITHOUT_MAKE_CACHE = words(`
  Klear apertus bailing_moe bitnet cohere dbrx deepseek deepseek_v2 deepseek_v3 dots1 ernie4_5 ernie4_5_moe exaone gemma
  gemma2 glm glm4 glm4_moe glm4_moe_lite gpt2 gpt_bigcode gpt_neox gptj granite granitemoe helium hunyuan
  hunyuan_v1_dense internlm2 internlm3 kimi_k25 kimi_vl lille-130m llama4_text mimo minicpm minicpm3 minimax mistral3 mistral4 mixtral
  nanochat nemotron olmo olmo2 olmoe openelm phi phi3 phi3small phimoe phixtral pixtral plamo qwen qwen2 qwen2_moe qwen2_vl
  qwen3 qwen3_moe qwen3_vl qwen3_vl_moe seed_oss smollm3 solar_open stablelm starcoder2 talkie telechat3 youtu_llm
`);

/** These make a cache for each layer themselves (`make_cache`), and take no notice of `maxKvSize`. */
const WITH_MAKE_CACHE = words(`
  afm7 afmoe baichuan_m1 bailing_hybrid bailing_moe_linear bailing_moe_v3 cohere2 deepseek_v32 deepseek_v41 exaone4
  exaone_moe falcon_h1 gear gemma3 gemma3_text gemma3n gemma4 gemma4_text glm_moe_dsa gpt_oss granitemoehybrid
  iquestloopcoder jamba kimi_k3 kimi_linear laguna lfm2 lfm2-vl lfm2_moe llama llama4 longcat_flash longcat_flash_ngram
  mamba mamba2 mellum mimo_v2_flash minimax_m3_vl ministral3 muse_glimmer muse_spark nanbeige nemotron-nas
  nemotron_h olmo3 olmo_hybrid plamo2 plamo3 prism_hadamard_qwen35 qwen3_5 qwen3_5_moe qwen3_next
  recurrent_gemma rwkv7 spark2_5 step3p5
`);

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

/** The module that runs a model, or undefined where mlx-lm has none. */
export function moduleOf({ architecture, layers }: Model): string | undefined {
  const name = RUN_AS.get(architecture ?? "") ?? architecture ?? "";
  // MiniMax-01 has the model type that MiniMax-M2 once had, which is what the module runs.
  if (name === "minimax" && layers.some(({ mixer }) => mixer.kind === "recurrent")) return undefined;
  return WITHOUT_MAKE_CACHE.has(name) || WITH_MAKE_CACHE.has(name) ? name : undefined;
}

/** Whether a module makes its own caches. */
export function makesCache(module: string): boolean {
  return WITH_MAKE_CACHE.has(module);
}
