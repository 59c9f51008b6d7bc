import type { RecurrentMixer } from "../mixer.ts";
import type { MixerRule } from "./architecture.ts";
import { missing } from "./attention-rules.ts";

/**
 * State of a mamba layer. The convolution runs over the inner channels, in mamba 2 over those of B and C as well
 * (`hparams.n_embd_r`, https://github.com/ggml-org/llama.cpp/blob/v0.5.0/src/llama-hparams.cpp#L186).
 */
function mambaMixer(
  family: "mamba1" | "mamba2",
  sizes: { readonly inner: number; readonly state: number; readonly groups: number; readonly kernel: number },
): RecurrentMixer {
  const { inner, state, groups, kernel } = sizes;
  const channels = family === "mamba2" ? inner + 2 * groups * state : inner;
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

/** Every layer a mamba, by the `ssm.*` keys. Mamba 1 does not read `ssm.group_count`. */
export function ggufMamba(family: "mamba1" | "mamba2"): MixerRule {
  return (keys) => {
    const inner = keys.integer("ssm.inner_size");
    const state = keys.integer("ssm.state_size");
    const kernel = keys.integer("ssm.conv_kernel");
    const groups = family === "mamba2" ? (keys.integer("ssm.group_count") ?? 0) : 0;
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

/** A gated short convolution over the hidden size. `kernel` columns are seen, one of them the current token's. */
export function shortConvolution(hidden: number, kernel: number): RecurrentMixer {
  return {
    kind: "recurrent",
    family: "short-convolution",
    state: [{ name: "convolution", shape: [hidden, Math.max(kernel - 1, 0)] }],
    convolutionKernel: kernel,
  };
}
