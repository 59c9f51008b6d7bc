import type { Model } from "../../model/model.ts";
import { isMetadataObject } from "../metadata-object.ts";

const INDEX_BYTES = 8;

/** What an encoder takes in at once. */
export type EncoderPass = {
  readonly sequences: number;
  readonly tokens: number;
  readonly elementBytes: number;
  readonly eager: boolean;
};

/** Names of an encoder's widths in config.json, at the top or in a part of its own. */
const HIDDEN = ["encoder_hidden_size", "d_model", "hidden_size"];
const INTERMEDIATE = ["encoder_ffn_dim", "d_ff", "intermediate_size"];
const HEADS = ["encoder_attention_heads", "encoder_num_attention_heads", "num_heads", "num_attention_heads"];
const PARTS = ["encoder_config", "encoder", "text_config"];

/** Distances of all pairs of tokens, as the buckets of T5's biases are looked up: six tables of numbers and one of truths. */
const DISTANCE_TABLES = 6 * INDEX_BYTES + 1;

/** Hidden vectors beside the feed-forward part and beside attention: input, sum, normed; queries, keys, values. */
const BESIDE_FEED_FORWARD = 4;
const BESIDE_ATTENTION = 6;

/** Most bytes alive while an encoder runs: the feed-forward part, the scores of eager attention, or T5's distances. */
export function encoderBytes(model: Model, { sequences, tokens, elementBytes, eager }: EncoderPass): number {
  const hidden = widthOf(model, HIDDEN) ?? model.hiddenSize ?? 0;
  const intermediate = widthOf(model, INTERMEDIATE) ?? 4 * hidden;
  const heads = widthOf(model, HEADS) ?? 1;
  const rows = sequences * tokens;
  const scores = eager ? rows * tokens * heads * elementBytes : 0;
  const biases = biasedByDistance(model) ? heads * tokens * tokens * elementBytes : 0;
  return Math.max(
    rows * (BESIDE_FEED_FORWARD * hidden + 2 * intermediate) * elementBytes + scores + biases,
    rows * BESIDE_ATTENTION * hidden * elementBytes + 2 * scores + biases,
    biases === 0 ? 0 : rows * (BESIDE_ATTENTION - 1) * hidden * elementBytes + tokens * tokens * DISTANCE_TABLES,
  );
}

/** Bytes of an encoder's output, which `generate` holds to the end. */
export function encodedBytes(model: Model, { sequences, tokens, elementBytes }: EncoderPass): number {
  return model.encoder === undefined ? 0 : sequences * tokens * (widthOf(model, HIDDEN) ?? 0) * elementBytes;
}

/** Tokens of its output: what the model fixes, or as many as it is given. */
export function encoderTokens(model: Model, promptTokens: number): number {
  const fixed = model.layers.map(({ cross }) => cross?.encoderTokens ?? null).find((tokens) => tokens !== null);
  return fixed ?? promptTokens;
}

function biasedByDistance({ metadata }: Model): boolean {
  return typeof metadata["relative_attention_num_buckets"] === "number";
}

function widthOf({ metadata }: Model, names: readonly string[]): number | undefined {
  const parts = [...PARTS.map((name) => metadata[name]).filter(isMetadataObject), metadata];
  return parts.flatMap((part) => names.map((name) => part[name])).find((value) => typeof value === "number");
}
