import { contiguous, F32, fourOf, GraphTensor } from "../tensor.ts";

/*
 * Recurrences over the tokens of each sequence (llama.cpp 0.5.0 `ggml/src/ggml.c`). Where one gives back states, they follow
 * what it computes in one row of memory.
 */

function float(
  operation: GraphTensor["operation"],
  ne: readonly number[],
  sources: readonly GraphTensor[],
): GraphTensor {
  const four = fourOf(ne);
  return new GraphTensor(operation, F32, four, contiguous(F32, four), sources);
}

/** A convolution of each channel over its own past: `[past + tokens, channels, sequences]` to `[channels, tokens, sequences]`. */
export function convolution(x: GraphTensor, kernels: GraphTensor): GraphTensor {
  return float("SSM_CONV", [kernels.ne[1], x.ne[0] - kernels.ne[0] + 1, x.ne[2]], [x, kernels]);
}

/** What a selective scan takes, in the order of `ggml_ssm_scan`. */
export type ScanSources = {
  readonly states: GraphTensor;
  /** `[head, heads, tokens, sequences]`. */
  readonly x: GraphTensor;
  readonly steps: GraphTensor;
  readonly decay: GraphTensor;
  readonly b: GraphTensor;
  readonly c: GraphTensor;
  /** Which state each sequence starts from. */
  readonly rows: GraphTensor;
};

/** The scan of Mamba: outputs, then `kept` states of each sequence, the last and those before it. */
export function selectiveScan({ states, x, steps, decay, b, c, rows }: ScanSources, kept: number): GraphTensor {
  const [size, head, heads] = states.ne;
  return float(
    "SSM_SCAN",
    [x.elements + kept * size * head * heads * rows.ne[0]],
    [states, x, steps, decay, b, c, rows],
  );
}

/** Outputs `[heads x head, tokens]`, and below them the square states of all sequences, as many rows as a head each. */
function linear(operation: GraphTensor["operation"], key: GraphTensor, sources: readonly GraphTensor[]): GraphTensor {
  const [head, heads, tokens] = key.ne;
  const sequences = sources.at(-1)?.ne[1] ?? 1;
  return float(operation, [head * heads, tokens + head * sequences], sources);
}

/** The time mixing of RWKV 6. */
export function rwkv6(
  key: GraphTensor,
  value: GraphTensor,
  receptance: GraphTensor,
  first: GraphTensor,
  decay: GraphTensor,
  state: GraphTensor,
): GraphTensor {
  return linear("RWKV_WKV6", key, [key, value, receptance, first, decay, state]);
}

/** The time mixing of RWKV 7: the state forgets along `remove` and learns along `add`. */
export function rwkv7(
  receptance: GraphTensor,
  decay: GraphTensor,
  key: GraphTensor,
  value: GraphTensor,
  remove: GraphTensor,
  add: GraphTensor,
  state: GraphTensor,
): GraphTensor {
  return linear("RWKV_WKV7", key, [receptance, decay, key, value, remove, add, state]);
}

/** Linear attention whose state decays by a gate. */
export function gatedLinearAttention(
  key: GraphTensor,
  value: GraphTensor,
  query: GraphTensor,
  gate: GraphTensor,
  state: GraphTensor,
): GraphTensor {
  return linear("GATED_LINEAR_ATTN", key, [key, value, query, gate, state]);
}

/**
 * The delta rule with a gate: outputs `[heads x head, tokens of all sequences]`, and below them `kept` states of each
 * sequence. Values are `[head, heads, tokens, sequences]`.
 */
export function gatedDeltaNet(
  query: GraphTensor,
  key: GraphTensor,
  value: GraphTensor,
  gate: GraphTensor,
  rate: GraphTensor,
  state: GraphTensor,
  kept: number,
): GraphTensor {
  const [head, heads, tokens, sequences] = value.ne;
  const rows = tokens * sequences + kept * head * sequences;
  return float("GATED_DELTA_NET", [head * heads, rows], [query, key, value, gate, rate, state]);
}
