import type { Keys } from "../keys.ts";
import type { RecurrentMixer, StateTensor } from "../mixer.ts";
import type { MixerRule } from "./architecture.ts";
import { missing } from "./attention-rules.ts";
import { lightning, shortConvolution } from "./recurrent-rules.ts";

/** A recurrence that is the same in every layer, once all its sizes are known. */
function recurrence(
  family: RecurrentMixer["family"],
  sizes: (keys: Keys) => {
    readonly kernel: number | undefined;
    readonly channels: number | undefined;
    readonly state: readonly (number | undefined)[];
    readonly stateName: StateTensor["name"];
  },
): MixerRule {
  return (keys) => {
    const { kernel, channels, state, stateName } = sizes(keys);
    const shape = state.filter((size) => size !== undefined && size > 0);
    if (!kernel || !channels || shape.length < state.length) return () => missing(["a size of the recurrence"]);
    const mixer: RecurrentMixer = {
      kind: "recurrent",
      family,
      state: [
        { name: "convolution", shape: [channels, kernel - 1] },
        { name: stateName, shape: shape.map(Number) },
      ],
      convolutionKernel: kernel,
    };
    return () => mixer;
  };
}

/** Gated delta net (Qwen3-Next and after): one convolution over queries, keys and values. */
export const configDeltaNet: MixerRule = recurrence("gated-delta-net", (keys) => {
  const heads = keys.integer("num_attention_heads");
  const keyHeads = keys.integer("linear_num_key_heads") ?? heads;
  const valueHeads = keys.integer("linear_num_value_heads") ?? heads;
  const hidden = keys.integer("hidden_size");
  const keyDim = keys.integer("linear_key_head_dim") ?? (hidden && keyHeads && Math.trunc((0.75 * hidden) / keyHeads));
  const valueDim = keys.integer("linear_value_head_dim") ?? (keyDim && 2 * keyDim);
  return {
    kernel: keys.integer("linear_conv_kernel_dim"),
    channels: keyHeads && valueHeads && keyDim && valueDim && 2 * keyHeads * keyDim + valueHeads * valueDim,
    state: [valueHeads, keyDim, valueDim],
    stateName: "linear",
  };
});

/** Kimi delta attention: heads alike for queries, keys and values, with a convolution each. */
export const configKimiDelta: MixerRule = recurrence("kimi-delta-attention", (keys) => {
  const heads = keys.integer("linear_attn_config.num_heads", "linear_num_heads", "num_attention_heads");
  const dim = keys.integer("linear_attn_config.head_dim", "linear_head_dim", "head_dim");
  return {
    kernel: keys.integer(
      "linear_attn_config.short_conv_kernel_size",
      "linear_conv_kernel_dim",
      "short_conv_kernel_size",
    ),
    channels: heads && dim && 3 * heads * dim,
    state: [heads, dim, dim],
    stateName: "linear",
  };
});

/** Mamba 2 inside a hybrid. The width is that of its heads together. */
export const configMamba2: MixerRule = recurrence("mamba2", (keys) => {
  const hidden = keys.integer("hidden_size");
  const expand = keys.decimal("mamba_expand", "expand");
  const expanded = hidden !== undefined && expand !== undefined ? Math.trunc(hidden * expand) : undefined;
  const heads = keys.integer("mamba_n_heads", "mamba_num_heads", "n_mamba_heads");
  const dim = keys.integer("mamba_head_dim");
  const inner = keys.integer("mamba_d_ssm") ?? (heads && dim ? heads * dim : expanded);
  const state = keys.integer("mamba_d_state", "ssm_state_size");
  const groups = keys.integer("mamba_n_groups", "mamba_ngroups", "n_groups") ?? 1;
  return {
    kernel: keys.integer("mamba_d_conv", "conv_kernel"),
    channels: inner && state && inner + 2 * groups * state,
    state: [inner, state],
    stateName: "ssm",
  };
});

/** Mamba 1 inside a hybrid. */
export const configMamba1: MixerRule = recurrence("mamba1", (keys) => {
  const hidden = keys.integer("hidden_size");
  const expand = keys.decimal("mamba_expand");
  const inner = hidden !== undefined && expand !== undefined ? Math.trunc(hidden * expand) : undefined;
  return {
    kernel: keys.integer("mamba_d_conv"),
    channels: inner,
    state: [inner, keys.integer("mamba_d_state")],
    stateName: "ssm",
  };
});

/** Lightning attention, with the heads of the attention between (MiniMax-Text-01). */
export const configLightning: MixerRule = (keys) => {
  const heads = keys.integer("num_attention_heads");
  const hidden = keys.integer("hidden_size");
  const dim = keys.integer("head_dim") ?? (heads && hidden ? Math.floor(hidden / heads) : undefined);
  const mixer = heads && dim ? lightning(heads, dim) : missing(["num_attention_heads or head_dim"]);
  return () => mixer;
};

/** Gated short convolutions (LFM2). */
export const configShortConvolution: MixerRule = (keys) => {
  const hidden = keys.integer("hidden_size");
  const kernel = keys.integer("conv_L_cache");
  const mixer = hidden && kernel ? shortConvolution(hidden, kernel) : missing(["hidden_size or conv_L_cache"]);
  return () => mixer;
};
