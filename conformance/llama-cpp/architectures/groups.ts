import type { ArchitectureKeys } from "./keys.ts";

/** One set of keys to ask the engine about. `title` says what it shows, where one architecture has several. */
export type ArchitectureCase = {
  readonly architecture: string;
  readonly title: string;
  readonly keys: ArchitectureKeys;
  /** The architecture that this one drafts for, by its first case: the engine wants it beside. */
  readonly draftsFor?: string;
};

/** Small sizes that differ from each other, so that no product can be mistaken for another. */
export const BASE: ArchitectureKeys = {
  vocab_size: 1024,
  context_length: 4096,
  embedding_length: 256,
  block_count: 6,
  feed_forward_length: 384,
  "attention.head_count": 4,
  "attention.head_count_kv": 2,
  "attention.layer_norm_epsilon": 1e-5,
  "attention.layer_norm_rms_epsilon": 1e-5,
};

export const EVERY_HEAD: ArchitectureKeys = { "attention.head_count_kv": 4 };

export const EXPERTS: ArchitectureKeys = {
  expert_count: 4,
  expert_used_count: 2,
  expert_feed_forward_length: 96,
  expert_shared_feed_forward_length: 160,
  expert_shared_count: 1,
  expert_gating_func: 2,
  leading_dense_block_count: 1,
};

export const WINDOW: ArchitectureKeys = { "attention.sliding_window": 300 };
export const MARKED: ArchitectureKeys = { ...WINDOW, "attention.sliding_window_pattern": [1, 1, 0, 1, 0, 1] };
export const SECTIONS: ArchitectureKeys = { "rope.dimension_sections": [16, 16, 16, 16] };

export const LATENT: ArchitectureKeys = {
  "attention.head_count_kv": 1,
  "attention.key_length": 576,
  "attention.value_length": 512,
  "attention.key_length_mla": 192,
  "attention.value_length_mla": 128,
  "attention.q_lora_rank": 160,
  "attention.kv_lora_rank": 512,
  "rope.dimension_count": 64,
};

export const INDEXER: ArchitectureKeys = {
  "attention.indexer.head_count": 64,
  "attention.indexer.key_length": 128,
  "attention.indexer.top_k": 64,
};

export const HYPER: ArchitectureKeys = {
  "hyper_connection.count": 4,
  "hyper_connection.epsilon": 1e-6,
  "hyper_connection.magnitude": 2,
};

export const SSM: ArchitectureKeys = {
  "ssm.conv_kernel": 4,
  "ssm.inner_size": 512,
  "ssm.state_size": 128,
  "ssm.time_step_rank": 4,
  "ssm.group_count": 2,
};

export const KDA: ArchitectureKeys = {
  "ssm.conv_kernel": 4,
  "kda.head_dim": 128,
  "kda.gate_lower_bound": -5,
  "kda.safe_gate": true,
};

export const RWKV: ArchitectureKeys = {
  "attention.head_count": 0,
  "attention.head_count_kv": 0,
  "wkv.head_size": 64,
  time_mix_extra_dim: 64,
  time_decay_extra_dim: 128,
  "attention.decay_lora_rank": 32,
  "attention.iclr_lora_rank": 32,
  "attention.value_residual_mix_lora_rank": 32,
  "attention.gate_lora_rank": 32,
};

/** Every second layer attends. */
export const ALTERNATING: ArchitectureKeys = { "attention.head_count_kv": [2, 0, 2, 0, 2, 0] };

/** A table of architectures whose keys are those of the base and these. */
export function each(
  names: readonly string[],
  keys: ArchitectureKeys = {},
  title = "",
  draftsFor?: string,
): ArchitectureCase[] {
  const draft = draftsFor === undefined ? {} : { draftsFor };
  return names.map((architecture) => ({ architecture, title, keys: { ...BASE, ...keys }, ...draft }));
}
