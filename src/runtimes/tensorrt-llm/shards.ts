import type { AttentionMixer } from "../../model/mixer.ts";
import { attentionPart } from "../../model/mixer-parts.ts";
import type { Model, ModelTensor } from "../../model/model.ts";
import type { TensorrtLlmSettings } from "./settings.ts";

/** How a tensor lies on the GPUs of a stage. */
type Sharding = "whole" | "split" | "vocabulary" | "keyValue" | "fused" | "experts";

/** Matrices whose rows are shared out, with their biases (`modules/linear.py`, TensorParallelMode.COLUMN). */
const COLUMN =
  /\.(q_proj|q_b_proj|kv_b_proj|gate_proj|up_proj|gate_up_proj|fc1|c_fc|dense_h_to_4h|w1|w3|in_proj\w*|conv1d|sinks|A_log|D|dt_bias)(\.|$)/;
/** Matrices whose columns are; their biases are whole (TensorParallelMode.ROW). */
const ROW = /\.(o_proj|out_proj|down_proj|fc2|c_proj|dense|dense_4h_to_h|w2)\.(?!bias$)/;
const KEY_VALUE = /\.(k_proj|v_proj)\./;
const FUSED = /\.(qkv_proj|query_key_value|Wqkv|W_pack)\./;
/** Small matrices in front of a split, and the indexer, are on every GPU (`modules/attention.py`, MLA). */
const WHOLE = /\.indexer\.|(q_a_proj|kv_a_proj_with_mqa)\./;

function shardingOf({ name, component, layer }: ModelTensor): Sharding {
  if (component === "vision" || component === "norm") return "whole";
  if (component === "experts") return "experts";
  if (layer === undefined) return component === "embedding" || component === "output" ? "vocabulary" : "whole";
  if (WHOLE.test(name)) return "whole";
  if (KEY_VALUE.test(name)) return "keyValue";
  if (FUSED.test(name)) return "fused";
  return COLUMN.test(name) || ROW.test(name) ? "split" : "whole";
}

/** A part of a tensor as a fraction, so that bytes that divide stay whole numbers. */
type Share = { readonly part: number; readonly of: number };

/**
 * How much of a tensor one GPU of a stage has. Experts are spread whole or in slices, which is as much either way; key-value
 * heads are duplicated where GPUs are more (`modeling_utils.py`, duplicate_kv_weight).
 */
export function shareOf(
  tensor: ModelTensor,
  model: Model,
  { tensorParallel, attentionDp }: TensorrtLlmSettings,
): Share {
  const sharding = shardingOf(tensor);
  const even = { part: 1, of: tensorParallel };
  if (sharding === "experts") return even;
  // With attention data parallelism all but experts are on every GPU (modeling_utils.py, gated_mlp.py).
  if (sharding === "whole" || attentionDp) return { part: 1, of: 1 };
  if (sharding === "split") return even;
  if (sharding === "vocabulary") {
    // Padded to as many rows on each (modules/embedding.py, LMHead).
    const rows = tensor.shape[0] ?? 0;
    return rows === 0 ? even : { part: Math.ceil(rows / tensorParallel), of: rows };
  }
  const { heads, kvHeads } = headsOf(model, tensor.layer);
  if (kvHeads === 0) return even;
  const localKv = Math.ceil(kvHeads / tensorParallel);
  if (sharding === "keyValue") return { part: localKv, of: kvHeads };
  return { part: heads / tensorParallel + 2 * localKv, of: heads + 2 * kvHeads };
}

function headsOf(model: Model, layer: number | undefined): Pick<AttentionMixer, "heads" | "kvHeads"> {
  const found = model.layers.find(({ index }) => index === layer);
  const attention = found && attentionPart(found.mixer);
  return attention?.kind === "attention" ? attention : { heads: 0, kvHeads: 0 };
}
