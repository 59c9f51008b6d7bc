import type { RecurrentMixer } from "../mixer.ts";
import type { MixerRule } from "./architecture.ts";
import { missing } from "./attention-rules.ts";

/**
 * State of a mamba layer. The convolution runs over the inner channels, in mamba 2 over those of B and C as well
 * (`hparams.n_embd_r`, https://github.com/ggml-org/llama.cpp/blob/v0.5.0/src/llama-hparams.cpp#L186).
 */
function mambaMixer(
  family: "mamba1" | "mamba2" | "gated-delta-net",
  sizes: { readonly inner: number; readonly state: number; readonly groups: number; readonly kernel: number },
): RecurrentMixer {
  const { inner, state, groups, kernel } = sizes;
  const channels = family === "mamba1" ? inner : inner + 2 * groups * state;
  return {
    kind: "recurrent",
    family,
    state: [
      { name: "convolution", shape: [channels, Math.max(kernel - 1, 0)] },
      { name: "ssm", shape: [inner, state] },
    ],
    convolutionKernel: kernel,
  };
}

/** A mamba, or a gated delta net, by the `ssm.*` keys. Mamba 1 does not read `ssm.group_count`. */
export function ggufMamba(family: "mamba1" | "mamba2" | "gated-delta-net"): MixerRule {
  return (keys) => {
    const inner = keys.integer("ssm.inner_size");
    const state = keys.integer("ssm.state_size");
    const kernel = keys.integer("ssm.conv_kernel");
    const groups = family === "mamba1" ? 0 : (keys.integer("ssm.group_count") ?? 0);
    if (!inner || !state || !kernel) return () => missing(["ssm.inner_size, ssm.state_size or ssm.conv_kernel"]);
    const mixer = mambaMixer(family, { inner, state, groups, kernel });
    return () => mixer;
  };
}

/** Every layer a mamba, by config.json: the inner width is `expand` times the hidden size unless given. */
export function configMamba(family: "mamba1" | "mamba2"): MixerRule {
  return (keys) => {
    const hidden = keys.integer("hidden_size");
    const expand = keys.decimal("expand");
    const expanded = hidden !== undefined && expand !== undefined ? Math.trunc(expand * hidden) : undefined;
    const inner = keys.integer("intermediate_size") ?? expanded;
    const state = keys.integer("state_size");
    const kernel = keys.integer("conv_kernel");
    const groups = family === "mamba2" ? (keys.integer("n_groups") ?? 0) : 0;
    if (!inner || !state || !kernel) return () => missing(["hidden_size, state_size or conv_kernel"]);
    const mixer = mambaMixer(family, { inner, state, groups, kernel });
    return () => mixer;
  };
}

/** A short convolution by `shortconv.l_cache`. */
export const ggufShortConvolution: MixerRule = (keys) => {
  const hidden = keys.integer("embedding_length");
  const kernel = keys.integer("shortconv.l_cache");
  if (!hidden || !kernel) return () => missing(["embedding_length or shortconv.l_cache"]);
  const mixer = shortConvolution(hidden, kernel);
  return () => mixer;
};

/** A gated short convolution over the hidden size. `kernel` columns are seen, one of them the current token's. */
export function shortConvolution(hidden: number, kernel: number): RecurrentMixer {
  return {
    kind: "recurrent",
    family: "short-convolution",
    state: [{ name: "convolution", shape: [hidden, Math.max(kernel - 1, 0)] }],
    convolutionKernel: kernel,
  };
}

/** Kimi delta attention: a convolution each for queries, keys and values, and a square state per head. */
export const ggufKimiDelta: MixerRule = (keys) => {
  const heads = keys.perLayer("attention.head_count")?.(0);
  const dim = keys.integer("kda.head_dim");
  const kernel = keys.integer("ssm.conv_kernel");
  if (!heads || !dim || !kernel) return () => missing(["attention.head_count, kda.head_dim or ssm.conv_kernel"]);
  const mixer: RecurrentMixer = {
    kind: "recurrent",
    family: "kimi-delta-attention",
    state: [
      { name: "convolution", shape: [3 * heads * dim, kernel - 1] },
      { name: "linear", shape: [heads, dim, dim] },
    ],
    convolutionKernel: kernel,
  };
  return () => mixer;
};

/** Lightning attention: a square state per head. */
export function lightning(heads: number, dim: number): RecurrentMixer {
  return { kind: "recurrent", family: "lightning-attention", state: [{ name: "linear", shape: [heads, dim, dim] }] };
}

export const ggufLightning: MixerRule = (keys) => {
  const heads = keys.perLayer("attention.head_count")?.(0);
  const hidden = keys.integer("embedding_length");
  const dim = keys.integer("attention.key_length") || (heads && hidden ? Math.floor(hidden / heads) : undefined);
  const mixer = heads && dim ? lightning(heads, dim) : missing(["attention.head_count or attention.key_length"]);
  return () => mixer;
};

/** RWKV: the last tokens' hidden vectors, `tokenShifts` of them unless the file says, and a state per head. */
export function ggufRwkv(tokenShifts: number): MixerRule {
  return (keys) => {
    const hidden = keys.integer("embedding_length");
    const headDim = keys.integer("wkv.head_size");
    const shifts = keys.integer("token_shift_count") ?? tokenShifts;
    if (!hidden || !headDim) return () => missing(["embedding_length or wkv.head_size"]);
    const mixer: RecurrentMixer = {
      kind: "recurrent",
      family: "rwkv",
      state: [
        { name: "shift", shape: [shifts, hidden] },
        { name: "linear", shape: [hidden, headDim] },
      ],
    };
    return () => mixer;
  };
}
