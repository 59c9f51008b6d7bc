import type { ForwardTraits } from "./forward-traits.ts";

const FLOAT32_BYTES = 4;
const INDEX_BYTES = 8;

/** One pass of a model over new tokens, those of one layer: widths in elements of one token. */
export type LayerPass = {
  readonly sequences: number;
  /** Tokens of each sequence that the pass takes in. */
  readonly tokens: number;
  /** Keys that attention reads, these included. */
  readonly keys: number;
  readonly elementBytes: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly query: number;
  readonly key: number;
  readonly value: number;
  readonly output: number;
  /** Elements of a head that are turned. */
  readonly rotated: number;
  /** Bytes of one token at the peak of the feed-forward part, beside hidden vectors. */
  readonly feedForwardBytes: number;
  /** A boolean mask is made, and attention takes it: a window shorter than the keys. */
  readonly masked: boolean;
  readonly eager: boolean;
  /** Bytes of masks that stay through the pass. */
  readonly maskBytes: number;
  readonly first: boolean;
  readonly traits: ForwardTraits;
};

/** Bytes alive at one moment of a layer. `cached`: its own cache is made by then. */
export type Moment = { readonly name: string; readonly bytes: number; readonly cached: boolean };

/** The moments of one layer at which the peak may stand. */
export function layerMoments(pass: LayerPass): Moment[] {
  const { traits, hidden, elementBytes: element, tokens, sequences, first } = pass;
  const rows = sequences * tokens;
  const held = (vectors: number): number => (vectors - (first ? 1 : 0)) * hidden * element;
  const standing = rows * (2 * INDEX_BYTES + angleBytes(pass)) + pass.maskBytes;
  const at = (name: string, cached: boolean, bytesPerRow: number, more = 0): Moment => ({
    name,
    cached,
    bytes: standing + rows * bytesPerRow + more,
  });
  const scores = pass.eager ? sequences * pass.heads * tokens * pass.keys : 0;
  const attending = held(traits.attentionHidden);
  return [
    at("norm", true, held(traits.normHidden) + normBytes(pass, hidden), scores * element),
    at("feed-forward", true, held(traits.ffnHidden) + pass.feedForwardBytes, scores * element),
    at("query norm", false, attending + queryNormBytes(pass)),
    at("rotation", false, attending + rotationBytes(pass)),
    at("attention", true, attending + queryBytes(pass), pass.eager ? eagerBytes(pass, scores) : fusedBytes(pass)),
  ];
}

/** Cosines and sines of the positions. */
function angleBytes({ traits, rotated, elementBytes }: LayerPass): number {
  if (traits.rotary === "none") return 0;
  return traits.angleSets * 2 * rotated * (traits.rotary === "mixed" ? FLOAT32_BYTES : elementBytes);
}

/** Written out, a norm holds its input in float32, one more vector like it, and the mean square and its root. */
function normBytes({ traits, elementBytes }: LayerPass, width: number): number {
  return traits.norm === "rms" ? 2 * width * FLOAT32_BYTES + 2 * FLOAT32_BYTES : width * elementBytes;
}

function queryNormBytes({ traits, query, heads, elementBytes }: LayerPass): number {
  return traits.normedQueries ? query * elementBytes + 2 * (query + heads) * FLOAT32_BYTES : 0;
}

/** Queries times cosines, their turned halves, and these times sines, beside what they are made from. */
function rotationBytes({ traits, query, key, value, elementBytes, rotated, heads }: LayerPass): number {
  const projected = (query + key + value) * elementBytes;
  switch (traits.rotary) {
    case "none":
      return projected;
    case "own":
      return projected + 3 * query * elementBytes;
    case "mixed":
      return projected + 3 * query * FLOAT32_BYTES;
    case "float32":
      return projected + ((elementBytes === FLOAT32_BYTES ? 0 : query + key) + 3 * query) * FLOAT32_BYTES;
    default:
      return projected + 3 * heads * rotated * elementBytes;
  }
}

/** Queries as attention takes them, and what is still held of the projections they come from. */
function queryBytes({ traits, query, key, value, elementBytes, rotated, heads, kvHeads }: LayerPass): number {
  if (traits.fusedQkv) return (query + key + value + (traits.rotary === "none" ? 0 : query)) * elementBytes;
  if (traits.rotary === "split") return (2 * query + value + (heads + kvHeads) * rotated) * elementBytes;
  return query * elementBytes;
}

function repeatedBytes({ heads, kvHeads, key, value, keys, sequences, elementBytes }: LayerPass): number {
  return kvHeads === heads ? 0 : (heads / kvHeads) * (key + value) * keys * sequences * elementBytes;
}

/** One kernel: its output and a copy in the order of tokens; with a mask, keys and values repeated and the mask as numbers. */
function fusedBytes(pass: LayerPass): number {
  const { sequences, tokens, keys, heads, output, elementBytes, masked } = pass;
  const outputs = sequences * tokens * output * elementBytes;
  const logSums = sequences * tokens * heads * FLOAT32_BYTES;
  if (!masked) return outputs + Math.max(outputs, logSums);
  const during = sequences * tokens * keys * elementBytes + logSums;
  return (tokens > 1 ? repeatedBytes(pass) : 0) + outputs + Math.max(during, outputs);
}

/** Scores, and their softmax in float32 with a copy of them in it; or scores before and after they are scaled. */
function eagerBytes(pass: LayerPass, scores: number): number {
  const { traits, elementBytes } = pass;
  const inOwnType = traits.softmaxInOwnType || elementBytes === FLOAT32_BYTES;
  const each = inOwnType ? 2 * elementBytes : elementBytes + 2 * FLOAT32_BYTES;
  return repeatedBytes(pass) + scores * (each + traits.scoresHeld * elementBytes);
}
