import type { KvGroup } from "./kv-groups.ts";
import type { KvSpec } from "./kv-spec.ts";

/** What the blocks of a request follow from. */
export type RequestSize = {
  readonly contextTokens: number;
  /** Tokens that may be under way at once, whose blocks are not yet given back (`config/vllm.py`, max_in_flight_tokens). */
  readonly inFlightTokens: number;
  /** Tokens of an encoder's output that room is made for: a whole batch (`config/scheduler.py`). */
  readonly encoderTokens: number;
};

/** Blocks of one layer that one request holds (`kv_cache_interface.py`, max_memory_usage_bytes of each spec). */
export function layerBlocks(spec: KvSpec, size: RequestSize): number {
  const { blockTokens, window = 0 } = spec;
  switch (spec.kind) {
    case "state":
      return spec.states ?? 1;
    case "cross":
      return Math.ceil(size.encoderTokens / blockTokens);
    case "chunked":
      return Math.ceil(Math.min(window + size.inFlightTokens, size.contextTokens) / blockTokens);
    case "sliding":
      // One more, since a window need not begin where a block does.
      return Math.ceil(Math.min(window - 1 + size.inFlightTokens, size.contextTokens) / blockTokens) + 1;
    default:
      return Math.ceil(size.contextTokens / blockTokens);
  }
}

/** Blocks of all groups that one request holds. */
export function requestBlocks(groups: readonly KvGroup[], size: RequestSize): number {
  return groups.reduce((sum, { specs }) => sum + Math.max(0, ...specs.map((spec) => layerBlocks(spec, size))), 0);
}

/**
 * The longest context of which `blocks` hold one request, up to the one asked for; 0 where they hold no token
 * (`kv_cache_utils.py`, _estimate_max_model_len_from_groups).
 */
export function largestRequest(groups: readonly KvGroup[], size: RequestSize, blocks: number): number {
  const fits = (contextTokens: number) => requestBlocks(groups, { ...size, contextTokens }) <= blocks;
  let [below, above] = [0, size.contextTokens + 1];
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (fits(middle)) below = middle;
    else above = middle;
  }
  return below;
}

/** Tokens as the log gave them before it counted requests: blocks over groups, of the smallest block. */
export function tokensAsOldLogs(groups: readonly KvGroup[], blocks: number): number {
  const smallest = Math.min(...groups.flatMap(({ specs }) => specs.map(({ blockTokens }) => blockTokens)));
  return groups.length === 0 ? 0 : Math.floor(blocks / groups.length) * smallest;
}
