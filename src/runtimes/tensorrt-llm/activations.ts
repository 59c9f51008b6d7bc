import type { Model } from "../../model/model.ts";
import { activeWidth } from "../active-width.ts";
import type { MemoryItem } from "../estimate.ts";
import { floatBytes, runningDtype } from "../float-dtype.ts";
import { headRanks, type Rank } from "./ranks.ts";
import type { TensorrtLlmSettings } from "./settings.ts";

const FLOAT32_BYTES = 4;
/** `cuda_graph_max_batch_size=128`, as logs of 1.1.0rc3 print the default. */
const GRAPH_BATCH_MOST = 128;
/** The largest attention workspace seen: 361,103,360 bytes (Kimi-K2.5, 1.3.0rc7). */
const WORKSPACE_MOST = 361_103_360;

/**
 * Peak of the passes that the engine measures itself by: `max_num_tokens` tokens with one layer alive, three vectors of hidden
 * plus intermediate width for each (`_util.py`, KvCacheCreator._create_dummy_context_requests), and the logits of the largest
 * batch that is captured as a CUDA graph.
 */
export function activationItem(model: Model, rank: Rank, settings: TensorrtLlmSettings): MemoryItem | null {
  const { hiddenSize, vocabularySize } = model;
  if (hiddenSize === null || model.layers.length === 0) return null;
  const { maxNumTokens, maxBatchSize, maxBeamWidth } = settings;
  const elementBytes = floatBytes(runningDtype(model, settings.dtype)) ?? 2;
  const width = Math.max(0, ...rank.layers.map(({ feedForward }) => activeWidth(feedForward)));
  const layer = 3 * (hiddenSize + Math.ceil(width / headRanks(settings))) * elementBytes * maxNumTokens;
  const requests = Math.min(maxBatchSize, GRAPH_BATCH_MOST) * maxBeamWidth;
  const logits = rank.isLastStage ? requests * (vocabularySize ?? 0) * (elementBytes + FLOAT32_BYTES) : 0;
  return {
    component: "compute",
    label: `activations, ${maxNumTokens} tokens in a pass`,
    device: rank.device.name,
    bytes: layer + logits,
    certainty: "estimate",
    source: "closed form of one layer; jeansblog/trt_llm README.md (0.85 GiB of gpt-oss-120b)",
    low: Math.round(layer / 2) + logits,
    high: 2 * (layer + logits) + WORKSPACE_MOST,
  };
}
