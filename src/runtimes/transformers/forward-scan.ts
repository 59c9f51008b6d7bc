import type { RecurrentMixer } from "../../model/mixer.ts";
import type { Model } from "../../model/model.ts";

const FLOAT32_BYTES = 4;

/** Tokens that one chunk of a scan takes, where config.json does not say (`configuration_mamba2.py`; torch_chunk_gated_delta_rule). */
const MAMBA2_CHUNK = 256;
const DELTA_CHUNK = 64;

/** What a scan is made over: sequences of tokens, each of `hidden` elements. */
export type Scan = {
  readonly sequences: number;
  readonly tokens: number;
  readonly hidden: number;
  readonly elementBytes: number;
};

/**
 * Bytes alive in a recurrence that is written out in PyTorch, as it runs without kernels of its own (`mamba-ssm`,
 * `flash-linear-attention`): state of every token (Mamba), or pairs of tokens in each chunk, to whole chunks.
 */
export function scanBytes(model: Model, mixer: RecurrentMixer, scan: Scan): number {
  const { sequences, tokens, hidden, elementBytes } = scan;
  const inner = mixer.state.find(({ name }) => name === "convolution")?.shape[0] ?? 0;
  const state = mixer.state.find(({ name }) => name === "ssm" || name === "linear")?.shape ?? [];
  const projected =
    sequences * tokens * (3 * hidden * elementBytes + 2 * hidden * FLOAT32_BYTES + 3 * inner * elementBytes);
  if (tokens === 1) return projected + DECODE_COPIES * sequences * product(state) * FLOAT32_BYTES;
  const [first = 0, second = 0, third = 0] = mixer.family === "mamba2" ? mamba2State(model, state) : state;
  if (mixer.family === "mamba1") {
    return projected + sequences * tokens * (3 * product(state) * FLOAT32_BYTES + 5 * first * elementBytes);
  }
  if (third === 0) return projected;
  const chunk = chunkOf(model, mixer);
  const padded = Math.ceil(tokens / chunk) * chunk * sequences;
  // Of Mamba 2 queries and keys are as wide as a state, values as a head; of the delta rules all are of a head.
  const [values, keys] = mixer.family === "mamba2" ? [8 * second, 4 * third] : [5 * third, 7 * second];
  return projected + padded * first * (3 * chunk + values + keys) * FLOAT32_BYTES;
}

/** Heads, elements of a head, and of its state. */
function mamba2State({ metadata }: Model, [inner = 0, second = 0, third]: readonly number[]): readonly number[] {
  if (third !== undefined) return [inner, second, third];
  const heads = HEAD_NAMES.map((name) => metadata[name]).find((value) => typeof value === "number") ?? 1;
  return [heads, inner / heads, second];
}

const HEAD_NAMES = ["mamba_n_heads", "n_mamba_heads", "mamba_num_heads", "num_heads"];

/** A step multiplies a state by its decay and adds to it. */
const DECODE_COPIES = 3;

function chunkOf({ metadata }: Model, { family }: RecurrentMixer): number {
  const named = [metadata["chunk_size"], metadata["mamba_chunk_size"]].find((value) => typeof value === "number");
  return named ?? (family === "mamba2" ? MAMBA2_CHUNK : DELTA_CHUNK);
}

function product(shape: readonly number[]): number {
  return shape.length === 0 ? 0 : shape.reduce((all, size) => all * size, 1);
}
