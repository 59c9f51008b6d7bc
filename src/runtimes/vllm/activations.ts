import type { Model } from "../../model/model.ts";
import { activeWidth } from "../active-width.ts";
import { MIB } from "../binary-units.ts";
import type { MemoryItem } from "../estimate.ts";
import { floatBytes } from "../float-dtype.ts";
import type { CachePlan } from "./pool.ts";
import type { VllmSettings } from "./settings.ts";

const FLOAT32_BYTES = 4;

/** Copies of the logits that sampling makes: few where it is fused, ten where it sorts them for top-p. */
const SAMPLER_COPIES = { typical: 4, low: 2, high: 10.5 };

/** Published peaks of dense models are within this of the closed form; experts and encoders of images are not. */
const DENSE = { low: 0.85, high: 1.15 };
const OTHER = { low: 0.7, high: 1.6 };

/**
 * Peak of the run that vLLM sizes its pool by: a step of all batched tokens with one layer alive, or the sampling of one
 * token for each request, whichever is larger, and the tables of blocks (`gpu_worker.py`, determine_available_memory).
 */
export function activationBytes(
  model: Model,
  settings: VllmSettings,
  dtype: string,
  plan: CachePlan | null,
): Range | null {
  const { hiddenSize, vocabularySize } = model;
  if (hiddenSize === null || vocabularySize === null || model.layers.length === 0) return null;
  const width = floatBytes(dtype) ?? 2;
  const { maxBatchedTokens, maxSequences, tensorParallel } = settings;
  const intermediate = Math.max(0, ...model.layers.map(({ feedForward }) => activeWidth(feedForward)));
  const step = maxBatchedTokens * width * 3 * (intermediate / tensorParallel + hiddenSize);
  const logits = Math.min(maxSequences, maxBatchedTokens) * vocabularySize * FLOAT32_BYTES;
  const tables = (plan?.groups ?? []).reduce(
    (sum, { specs: [first] }) =>
      sum + maxSequences * 4 * Math.ceil(settings.contextTokens / (first?.blockTokens ?? 16)),
    0,
  );
  const spread = isDense(model) ? DENSE : OTHER;
  const least = 200 * MIB;
  return {
    bytes: Math.round(Math.max(step, logits * SAMPLER_COPIES.typical, least) + tables),
    low: Math.round(Math.max(step * spread.low, logits * SAMPLER_COPIES.low, least) + tables),
    high: Math.round(Math.max(step * spread.high, logits * SAMPLER_COPIES.high, 2 * least) + tables),
  };
}

type Range = { readonly bytes: number; readonly low: number; readonly high: number };

export function activationItem(range: Range, { maxBatchedTokens }: VllmSettings, device: string): MemoryItem {
  return {
    component: "compute",
    label: `activations, a step of ${maxBatchedTokens} tokens`,
    device,
    certainty: "estimate",
    source: "vLLM gpu_model_runner.py, profile_run; peaks of vllm-project/vllm issue 10517 and pull request 10511",
    ...range,
  };
}

function isDense(model: Model): boolean {
  return (
    model.weights.byComponent.vision === 0 && model.layers.every(({ feedForward }) => feedForward.kind !== "experts")
  );
}
