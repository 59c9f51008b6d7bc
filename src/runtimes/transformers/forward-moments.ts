import type { ForwardTraits } from "./forward-traits.ts";

const FLOAT32_BYTES = 4;

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
  /** Elements that latents of each key are expanded to. */
  readonly expandedWidth: number;
  /** No kernel takes these widths: attention is written out in float32. */
  readonly writtenOut: boolean;
  /** Bytes of the layer's recurrence, 0 without one. */
  readonly scanBytes: number;
  /** Elements of a head that are turned. */
  readonly rotated: number;
  /** Bytes of one token at the peak of the feed-forward part, beside hidden vectors. */
  readonly feedForwardBytes: number;
  /** A boolean mask is made, and attention takes it: a window shorter than the keys. */
  readonly masked: boolean;
  readonly eager: boolean;
  /** Bytes that stay through the pass: masks of attention; token numbers, positions and what the step before left. */
  readonly maskBytes: number;
  readonly standingBytes: number;
  readonly first: boolean;
  readonly traits: ForwardTraits;
};

/** Bytes alive at one moment of a layer. `cached`: its own cache is made by then. */
export type Moment = {
  readonly name: string;
  readonly bytes: number;
  readonly cached: boolean;
  /** Its own cache is being copied into a longer one. */
  readonly growing?: true;
};

/** The moments of one layer at which the peak may stand. */
export function layerMoments(pass: LayerPass): Moment[] {
  const { traits, hidden, elementBytes: element, tokens, sequences, first } = pass;
  const rows = sequences * tokens;
  const held = (vectors: number): number => (vectors - (first ? 1 : 0)) * hidden * element;
  const standing = rows * angleBytes(pass) + pass.maskBytes + pass.standingBytes;
  const at = (name: string, cached: boolean, bytesPerRow: number, more = 0): Moment => ({
    name,
    cached,
    bytes: standing + rows * bytesPerRow + more,
  });
  const scores = pass.eager ? sequences * pass.heads * tokens * pass.keys : 0;
  const scoresKept = traits.scoresKept * scores * element;
  const attending = held(traits.attentionHidden);
  return [
    at("norm", true, held(traits.normHidden) + normBytes(pass, hidden), scoresKept),
    at("feed-forward", true, held(traits.ffnHidden) + pass.feedForwardBytes, scoresKept),
    at("query norm", false, attending + queryNormBytes(pass)),
    at("rotation", false, attending + rotationBytes(pass)),
    { ...at("growth", false, attending + queryBytes(pass) + newKeyBytes(pass)), growing: true },
    at("attention", true, attending + queryBytes(pass), attentionBytes(pass, scores)),
    ...(pass.scanBytes === 0 ? [] : [at("scan", true, 0, pass.scanBytes)]),
  ];
}

/** Cosines and sines of the positions. */
function angleBytes({ traits, rotated, elementBytes }: LayerPass): number {
  if (traits.rotary === "none") return 0;
  return traits.angleSets * 2 * rotated * (traits.rotary === "mixed" ? FLOAT32_BYTES : elementBytes);
}

/** Written out, a norm holds its input in float32, one more vector like it, and the mean square and its root. */
function normBytes({ traits, elementBytes }: LayerPass, width: number): number {
  if (traits.norm === "layer") return width * elementBytes;
  const copy = traits.normCopied && elementBytes !== FLOAT32_BYTES ? width * elementBytes : 0;
  return 2 * width * FLOAT32_BYTES + 2 * FLOAT32_BYTES + copy;
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

/** Keys and values of the new tokens, until they are in the cache; fused ones are counted with the queries. */
function newKeyBytes({ traits, key, value, elementBytes }: LayerPass): number {
  if (traits.fusedQkv) return traits.rotary === "none" ? 0 : key * elementBytes;
  return (traits.rotary === "split" ? key : key + value) * elementBytes;
}

function attentionBytes(pass: LayerPass, scores: number): number {
  const expanded = pass.sequences * pass.keys * pass.expandedWidth * pass.elementBytes;
  if (pass.eager) return expanded + eagerBytes(pass, scores);
  return expanded + (pass.writtenOut ? writtenOutBytes(pass) : fusedBytes(pass));
}

/** Without a kernel for keys and values of different widths, on a CPU: all in float32, and scores twice (_scaled_dot_product_attention_math). */
function writtenOutBytes({ sequences, tokens, keys, heads, query, key, value }: LayerPass): number {
  const wide = tokens * query + keys * (2 * key + value) + (tokens > 1 ? 2 * heads * tokens * keys : heads * keys);
  return (sequences * wide + (tokens > 1 ? tokens * keys : 0)) * FLOAT32_BYTES;
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
  return (traits.repeatsKeys ? repeatedBytes(pass) : 0) + scores * (each + traits.scoresHeld * elementBytes);
}
