/**
 * Facts about single architectures that are llama.cpp's own doing, not the model's
 * (https://github.com/ggml-org/llama.cpp/blob/v0.5.0/src/llama-model.cpp#L2274, `create_memory`).
 */

/** Encoders that get a cache all the same, which they never fill. */
export const ENCODERS_WITH_CACHE: ReadonlySet<string> = new Set(["t5encoder"]);

/** Look both ways whether the file says so or not (`causal_attn`); of all others the engine goes by the key, causal without it. */
export const LOOKS_BOTH_WAYS: ReadonlySet<string> = new Set(["dream", "gemma-embedding", "llada", "llada-moe", "rnd1"]);

/**
 * Layers that predict further tokens attend in the main context too: their keys and values are kept there, though only a
 * draft would read them. State of a recurrence is not.
 */
export const MTP_LAYERS_CACHED: ReadonlySet<string> = new Set([
  "bailingmoe3",
  "deepseek4",
  "falcon-h1",
  "granitehybrid",
  "jamba",
  "kimi-k3",
  "kimi-linear",
  "lfm2",
  "lfm2moe",
  "minimax-m3",
  "nemotron_h",
  "nemotron_h_moe",
  "plamo2",
]);

/** The cache of the indexer holds values of one head beside its keys, which nothing reads. */
export const INDEX_CACHE_WITH_VALUES: ReadonlySet<string> = new Set(["minimax-m3", "glm-dsa", "deepseek32"]);

/** One more layer of cache, of one head, carries which adapter each token chose (src/models/granite-switch.cpp:65). */
export const ROUTER_LAYER: ReadonlySet<string> = new Set(["graniteswitch"]);

/** Flash attention is switched off, whatever was asked for (src/llama-context.cpp:3757). */
export const WITHOUT_FLASH_ATTENTION: ReadonlySet<string> = new Set(["grok"]);

/**
 * Architectures whose graph has a moment that the closed form of `compute.ts` does not see (indexers, compression, expert
 * logits, per-layer inputs, relative positions): asked, the engine reserved more than the form's bounds, or less.
 */
export const WITHOUT_COMPUTE_FORM: ReadonlySet<string> = new Set([
  "deepseek32",
  "deepseek4",
  "dots3note",
  "gemma3n",
  "glm-dsa",
  "grok",
  "hy_v4",
  "llama-embed",
  "minimax-m3",
  "qwen4exp",
  "t5",
]);

/** States of the last tokens can be kept, to go back after a wrong draft (`src/llama-arch.cpp:1112`). */
export const ROLLS_BACK_STATES: ReadonlySet<string> = new Set([
  "bailingmoe3",
  "deepseek4",
  "kimi-k3",
  "lfm2",
  "lfm2moe",
  "nemotron_h",
  "nemotron_h_moe",
  "qwen35",
  "qwen35moe",
  "qwen4exp",
]);

/** Models with an encoder put out every token, however few were asked for (`llama_model_has_encoder`, `src/llama-context.cpp:250`). */
export const PUTS_OUT_ALL: ReadonlySet<string> = new Set(["t5", "t5encoder", "eagle3", "dflash"]);

/** Graphs that keep no embeddings to put out: asked for them the engine breaks off (`src/llama-graph.cpp:3699`). */
export const WITHOUT_EMBEDDINGS: ReadonlySet<string> = new Set(["eagle3", "gemma4-assistant"]);

/**
 * Decays between all tokens of a sequence, of which one sequence alone has the most: the prompt's graph is reserved as of one
 * as well (`src/llama-context.cpp:712`).
 */
export const LARGEST_ALONE: ReadonlySet<string> = new Set(["kimi-linear", "minimax-01"]);

/** Relative positions are those of one sequence: with a cache for each of several the engine breaks off. */
export const ONE_SEQUENCE: ReadonlySet<string> = new Set(["t5"]);

/** An embedding is put out beside the logits whether asked for or not (`src/llama-context.cpp:2121`). */
export const ALWAYS_PUTS_OUT_EMBEDDINGS: ReadonlySet<string> = new Set(["t5"]);

/** An embedding is all streams of the hyper-connections (`src/models/deepseek4.cpp:53`, `qwen4exp.cpp:54`). */
export const HYPER_CONNECTED_OUTPUT: ReadonlySet<string> = new Set(["deepseek4", "qwen4exp"]);

/** The graph multiplies with the embedding itself, wherever it lies, and makes no output matrix of it (`src/models/bitnet.cpp`). */
export const OUTPUT_IS_EMBEDDING: ReadonlySet<string> = new Set(["bitnet"]);

/** Drafts that multiply with their target's output matrix where they have none (`src/models/eagle3.cpp:298`). */
export const OUTPUT_OF_TARGET: ReadonlySet<string> = new Set(["eagle3"]);

/** A cache is allocated that the graph does not read: it attends within the batch. */
export const CACHE_UNREAD: ReadonlySet<string> = new Set(["llama-embed", "t5encoder"]);

/** Relative positions are added to the scores, which flash attention has no way to do (`src/models/t5.cpp`). */
export const SCORES_WITH_POSITIONS: ReadonlySet<string> = new Set(["t5", "t5encoder"]);

/** Experts are given a row already weighted for each of them, not one row for all (`src/models/llama4.cpp`). */
export const WEIGHS_BEFORE_EXPERTS: ReadonlySet<string> = new Set(["llama4"]);

/** Only layers that see everything have rotary factors (`src/models/gemma4.cpp:91`). */
export const ROTARY_FACTORS_IN_FULL_LAYERS: ReadonlySet<string> = new Set(["gemma4", "gemma4-assistant"]);

/**
 * Tensors of the blocks that predict further tokens that are loaded whether asked for or not: the engine marks the others to
 * be skipped, and these only as not required (`src/models/hy-v3.cpp:31`, `cohere2moe.cpp:46`, `step35.cpp:126`,
 * `deepseek32.cpp`, `glm-dsa.cpp`).
 */
export const PREDICTING_TENSORS_LOADED: ReadonlyMap<string, RegExp> = new Map([
  ["hy_v3", /\.(?:ffn_(?!norm)\w+|exp_probs_b|nextn\.(?:embed_tokens|shared_head_\w+))(?:\.|$)/],
  ["cohere2moe", /\.nextn\.(?:embed_tokens|shared_head_\w+)\./],
  ["step35", /\.(?:attn_(?:q_norm|k_norm|gate)|ffn_(?!norm)\w+|exp_probs_b|nextn\.(?:embed_tokens|shared_head_\w+))\./],
  ["deepseek32", /\.exp_probs_b\./],
  ["glm-dsa", /\.exp_probs_b\./],
]);

/** Blocks that predict further tokens have a copy of the rotary factors too, loaded or not (`src/models/step35.cpp:134`). */
export const ROTARY_FACTORS_IN_PREDICTING: ReadonlySet<string> = new Set(["step35"]);

/**
 * Architectures that create the output matrix before the embedding, so that the tied tensor is never shared and two
 * copies are made even on one device (`src/models/gemma3n.cpp:31`, `gemma4.cpp:52`).
 */
export const ALWAYS_DUPLICATES_EMBEDDING: ReadonlySet<string> = new Set(["gemma3n", "gemma4"]);
