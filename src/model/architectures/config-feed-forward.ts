import type { Keys } from "../keys.ts";
import type { FeedForwardRule } from "./architecture.ts";
import { type ConfigExperts, configExperts } from "./feed-forward-rules.ts";

/** Names of the parts of a mixture of experts, over all families. A family uses one of each. */
const EXPERTS: ConfigExperts = {
  experts: [
    "num_local_experts",
    "num_experts",
    "n_routed_experts",
    "moe_num_experts",
    "ffn_config.moe_num_experts",
    "moe_config.moe_num_experts",
  ],
  used: [
    "num_experts_per_tok",
    "num_experts_per_token",
    "moe_topk",
    "moe_top_k",
    "moe_k",
    "top_k_experts",
    "ffn_config.moe_top_k",
    "moe_config.moe_top_k",
  ],
  width: [
    "moe_intermediate_size",
    "expert_ffn_hidden_size",
    "ffn_config.ffn_hidden_size",
    "moe_config.ffn_hidden_size",
    "intermediate_size",
  ],
};

const DENSE_WIDTH = [
  "intermediate_size_mlp",
  "dense_intermediate_size",
  "intermediate_size",
  "ffn_dim",
  "decoder_ffn_dim",
  "ffn_hidden_size",
  "n_inner",
  "dff",
  "dim_ff",
  "hidden_dim",
];

/**
 * Dense or experts, by whichever names the configuration uses. Where it names no width, it is four times the hidden
 * size, as GPT-2 and those after it have it.
 */
export const configFeedForward: FeedForwardRule = leadingDense(0);

/** The same where no class is known to fill in what the configuration leaves out: only what it names. */
export const namedFeedForward: FeedForwardRule = configExperts({ ...EXPERTS, sharedWidth });

/** The same, with one more expert as wide as the others, which every token visits and no key counts. */
export const besideOneExpert: FeedForwardRule = experts(0, (keys) => keys.perLayer(...EXPERTS.width)?.(0));

/** The same, for classes that make the first layers dense where the configuration does not say which are. */
export function leadingDense(layers: number): FeedForwardRule {
  return experts(layers, sharedWidth);
}

/** One matrix for both halves of a gated part, whose key counts them together (Qwen 1, Molmo, Moshi, RecurrentGemma). */
export const halvedFeedForward: FeedForwardRule = (keys) => {
  const both = keys.integer("intermediate_size", "ffn_dim");
  return () => (both === undefined ? undefined : { kind: "dense", intermediateSize: Math.trunc(both / 2) });
};

function experts(leading: number, shared: (keys: Keys) => number | undefined): FeedForwardRule {
  return configExperts({
    ...EXPERTS,
    sharedWidth: shared,
    dense: (keys) => denseLayers(keys, leading),
    denseWidth: (keys) => keys.perLayer(...DENSE_WIDTH) ?? fourfold(keys),
  });
}

function fourfold(keys: Keys): (layer: number) => number | undefined {
  const hidden = keys.integer("hidden_size");
  const ratio = keys.integer("expansion_ratio") ?? 4;
  return () => hidden && hidden * ratio;
}

function sharedWidth(keys: Keys): number | undefined {
  const given = keys.integer(
    "shared_expert_intermediate_size",
    "shared_intermediate_size",
    "moe_shared_expert_intermediate_size",
    "share_expert_dim",
  );
  if (given !== undefined) return given;
  const counts = keys.perLayer("n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert");
  const count = counts?.(0) ?? 0;
  if (count === 0) return 0;
  return (
    count * (keys.perLayer("shared_experts_intermediate_size", "moe_intermediate_size", "intermediate_size")?.(0) ?? 0)
  );
}

/** Layers with a dense part: as `mlp_layer_types` lists them, else by whichever of the older keys there are. */
function denseLayers(keys: Keys, implied: number): (layer: number) => boolean {
  if (keys.flag("is_moe", "enable_moe_block") === false) return () => true;
  const types = keys.words("mlp_layer_types");
  if (types !== undefined) return (layer) => types[layer] === "dense";
  const sparseLayers = keys.list("moe_layer_freq");
  if (sparseLayers !== undefined) return (layer) => sparseLayers[layer] === 0;
  const listed = new Set(keys.list("mlp_only_layers") ?? []);
  const sparse = keys.list("moe_layers", "moe_layers_enum") ?? enumerated(keys.text("moe_layers_enum"));
  const step = keys.integer("decoder_sparse_step") ?? 1;
  const leading =
    keys.integer("first_k_dense_replace", "num_dense_layers", "moe_layer_start_index") ?? (sparse ? 0 : implied);
  const period = keys.integer("expert_layer_period") ?? keys.integer("interleave_moe_layer_step") ?? 1;
  const offset = keys.integer("expert_layer_offset") ?? period - 1;
  return (layer) =>
    layer < leading ||
    listed.has(layer) ||
    (step > 0 && (layer + 1) % step !== 0) ||
    (sparse !== undefined ? !sparse.includes(layer) : period > 1 && layer % period !== offset);
}

/** `3,4,5` as the layers it names. */
function enumerated(layers: string | undefined): readonly number[] | undefined {
  return layers?.split(",").map(Number);
}
