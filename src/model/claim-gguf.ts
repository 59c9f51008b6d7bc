import type { Reporter } from "../diagnostics.ts";
import { ggufFeedForward } from "./architectures/feed-forward-rules.ts";
import { GGUF_RULES } from "./architectures/registry.ts";
import { ggufArrayLength, ggufKeys, ggufText } from "./gguf-keys.ts";
import type { Keys } from "./keys.ts";
import { encoderLayerCount, reconcileLayerCount } from "./layer-count.ts";
import { layerShapes } from "./layer-shapes.ts";
import type { GgufInput } from "./model-input.ts";
import type { ShapeClaim } from "./shape.ts";
import type { TensorClaim } from "./tensor-claim.ts";

/** The feed-forward keys mean the same in every architecture; mixers do not. */
const UNKNOWN_RULES = { feedForward: ggufFeedForward({ leadingDense: true }) };

/** What the GGUF keys say, for as many layers as the tensors allow. */
export function claimFromGguf(input: GgufInput, tensors: TensorClaim): ShapeClaim {
  const { metadata, limits, report } = input;
  const architecture = ggufText(metadata, "general.architecture");
  const rules = architecture === undefined ? undefined : GGUF_RULES.get(architecture);
  const fallback = new Map<string, number>();
  if (tensors.hiddenSize !== undefined) fallback.set("embedding_length", tensors.hiddenSize);
  const keys = ggufKeys(metadata, architecture, fallback, report);

  // https://github.com/ggml-org/llama.cpp/blob/v0.5.0/src/llama-model.cpp: n_layer = block_count - nextn_predict_layers
  const blocks = rules?.blockCount?.(keys) ?? keys.integer("block_count");
  const nextn = furtherBlocks(keys, blocks ?? 0, report);
  // llama.cpp gives every declared block a device, and where it reads none of a block's tensors a cache (`n_layer_all`).
  const main = blocks === undefined ? undefined : blocks - nextn;
  const declared = { main, mtp: nextn, origin: keys.origin, keepsUnread: true } as const;
  const count = reconcileLayerCount(declared, tensors, limits, report);
  const encoder = rules?.encoder;
  const layers = count && layerShapes({ ...(rules ?? UNKNOWN_RULES), ...encoder }, keys, count, report);
  const causal = keys.flag("attention.causal") ?? true;
  return {
    origin: keys.origin,
    architecture,
    known: rules !== undefined,
    layerCount: count?.main,
    hiddenSize: keys.integer("embedding_length"),
    // The logits are as wide as the token list; the loader requires the embedding to match.
    vocabularySize: ggufArrayLength(metadata, "tokenizer.ggml.tokens") ?? keys.integer("vocab_size"),
    trainedContext: keys.tokens("context_length"),
    layers: layers?.main,
    ...(encoder && { encoder: { layerCount: encoderLayerCount(encoder.layerCount, keys, limits) } }),
    mtpLayers: layers?.mtp ?? [],
    mtpLayerCount: count?.mtp ?? 0,
    causal: (rules?.causal ?? true) && causal,
    expertLayersByTensors: rules?.expertLayersByTensors ?? false,
    tiedEmbeddings: undefined,
    outputFromEmbedding: rules?.outputFromEmbedding ?? rules?.causal ?? true,
    attentionHeads: keys.perLayer("attention.head_count")?.(0),
    kvHeads: keys.perLayer("attention.head_count_kv", "attention.head_count")?.(0),
  };
}

/** Blocks that predict further tokens are the last of all; there is a model before them. */
function furtherBlocks(keys: Keys, blocks: number, report: Reporter): number {
  const nextn = keys.integer("nextn_predict_layers") ?? 0;
  if (nextn < blocks || nextn === 0) return nextn;
  report(
    "inconsistent-model",
    `${keys.origin}: nextn_predict_layers is ${nextn}, not fewer than the ${blocks} blocks; it is ignored.`,
    keys.origin,
  );
  return 0;
}
